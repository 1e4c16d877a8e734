package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// The client's defaults.
const (
	DefaultTimeout   = 30 * time.Second
	DefaultMaxBytes  = 32 << 20
	maxRedirects     = 10
	maxHeaderBytes   = 64 << 10
	idlePerHost      = 16
	idleInAll        = 256
	idleTimeout      = 90 * time.Second
	handshakeTimeout = 10 * time.Second
)

// Options make a Client; the zero value is right for production.
type Options struct {
	Resolver Resolver                                                          // nil: the system's
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error) // addr is ip:port, checked; nil: net.Dialer
	TLS      *tls.Config                                                       // nil: the system's roots
	Private  []netip.Prefix                                                    // networks that every rule may reach beside the public addresses; nil: none
}

// Resolver finds the addresses of a name. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Client sends requests under policies. Safe for concurrent use. It keeps connections in two pools: one of connections
// made under rules that allow private addresses, one of connections that every rule may make, so that no request is
// sent over a connection that its own rule would not have let it make.
type Client struct {
	resolver Resolver
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	networks []netip.Prefix
	public   *http.Transport
	private  *http.Transport
}

var _ Doer = (*Client)(nil)

// New makes a Client.
func New(o Options) *Client {
	c := &Client{resolver: o.Resolver, dial: o.Dial, networks: o.Private}
	if c.resolver == nil {
		c.resolver = net.DefaultResolver
	}
	if c.dial == nil {
		c.dial = new(net.Dialer).DialContext
	}
	c.public, c.private = c.transport(o.TLS, false), c.transport(o.TLS, true)
	return c
}

// Close drops the connections that nobody uses.
func (c *Client) Close() {
	c.public.CloseIdleConnections()
	c.private.CloseIdleConnections()
}

func (c *Client) transport(t *tls.Config, private bool) *http.Transport {
	return &http.Transport{
		Proxy: nil, // never from the environment
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return c.connect(ctx, network, addr, private)
		},
		TLSClientConfig:        t.Clone(),
		TLSHandshakeTimeout:    handshakeTimeout,
		DisableCompression:     true, // we undo gzip ourselves, under a cap
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           idleInAll,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
		ForceAttemptHTTP2:      true,
	}
}

// connect resolves a name, refuses the addresses that may not be reached, and dials one of the others: by its number,
// so that no second answer of the name server counts.
func (c *Client) connect(ctx context.Context, network, hostPort string, private bool) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithDeadline(ctx, dialDeadline(ctx))
	defer cancel()
	addrs, named, err := c.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	refused := ""
	for i, addr := range addrs {
		if why := refuse(addr, private, named, c.networks); why != "" {
			refused = why
			continue
		}
		conn, err := c.dialOne(ctx, network, net.JoinHostPort(addr.Unmap().String(), port), len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	if len(errs) == 0 && refused != "" {
		return nil, &addressError{host, refused, private}
	}
	return nil, errors.Join(errs...)
}

// deadlineKey carries a request's deadline: the transport dials under a context that has the request's values, but not
// its end.
type deadlineKey struct{}

func dialDeadline(ctx context.Context) time.Time {
	if d, ok := ctx.Value(deadlineKey{}).(time.Time); ok {
		return d
	}
	return time.Now().Add(DefaultTimeout)
}

// dialOne gives an address its share of the time that is left, so that a dead one does not use it all.
func (c *Client) dialOne(ctx context.Context, network, addr string, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return c.dial(ctx, network, addr)
}

// resolve gives the addresses of host; named: it is one itself.
func (c *Client) resolve(ctx context.Context, host string) (addrs []netip.Addr, named bool, err error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, true, nil
	}
	addrs, err = c.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, false, err
	}
	if len(addrs) == 0 {
		return nil, false, fmt.Errorf("%s: %w", host, errNoAddress)
	}
	return addrs, false, nil
}

var errNoAddress = errors.New("the name has no address")

// addressError is a refusal at dial time, on its way through the transport.
type addressError struct {
	host, why string
	private   bool
}

func (e *addressError) Error() string {
	text := fmt.Sprintf("the address of %s is %s", e.host, e.why)
	if !e.private {
		text += "; only a rule that names the address itself allows it"
	}
	return text
}
