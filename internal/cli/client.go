package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vconduit/vconduit/internal/app"
)

// remote are the flags of every command that needs a server.
type remote struct {
	server, token, data, config string
	json                        bool
	io                          IO
}

func remoteFlags(fs *flag.FlagSet, io IO) *remote {
	r := &remote{io: io}
	fs.StringVar(&r.server, "server", "", "`URL` of the server; default: the one that runs on the data folder")
	fs.StringVar(&r.token, "token", "", "API `token` for --server (default: CONSERVER_API_TOKEN)")
	fs.StringVar(&r.data, "data", "", "data `folder` whose server is meant (default: VCONDUIT_DATA, else ./data)")
	fs.StringVar(&r.config, "config", "", "config `file`, read when the store must be opened without a server")
	fs.BoolVar(&r.json, "json", false, "print JSON")
	return r
}

// client speaks the HTTP API.
type client struct {
	base   string
	token  string
	header string // name of the token's header
	http   *http.Client
	close  func() error
}

// open finds the server, or makes an API of our own over the store when nobody holds that.
func (r *remote) open(ctx context.Context) (*client, error) {
	c, err := r.running()
	if !errors.Is(err, errNoServer) {
		return c, err
	}
	dir := app.DataDir(r.data, r.io.Getenv)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no server runs here and there is no store in %s: start one with `vconduit serve`, or name one with --server URL or --data DIR", dir)
	}
	off, err := app.Offline(ctx, app.Options{Config: r.config, Data: dir, Getenv: r.io.Getenv})
	if err != nil {
		return nil, fmt.Errorf("no server answers on %s, and opening the store: %w", filepath.Join(dir, "admin.sock"), err)
	}
	return dialled(r.header(), off.Dial, off.Close), nil
}

// header is the name of the token's header.
func (r *remote) header() string {
	if header := r.io.Getenv("CONSERVER_HEADER_NAME"); header != "" {
		return header
	}
	return "x-conserver-api-token"
}

// errNoServer says that nobody answers on the admin socket.
var errNoServer = errors.New("no server answers")

// running finds the server that runs: --server, or the admin socket of the data folder. Errors: errNoServer.
func (r *remote) running() (*client, error) {
	header := r.header()
	if r.server != "" {
		if u, err := url.Parse(r.server); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, usagef("--server: want http://HOST[:PORT] or https://HOST[:PORT]")
		}
		token := r.token
		if token == "" {
			token = r.io.Getenv("CONSERVER_API_TOKEN")
		}
		return &client{base: strings.TrimRight(r.server, "/"), token: token, header: header,
			http: &http.Client{CheckRedirect: refuseRedirect}, close: func() error { return nil }}, nil
	}
	socket := app.AdminSocket(app.DataDir(r.data, r.io.Getenv))
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return nil, fmt.Errorf("%w on %s: start one with `vconduit serve`, or name one with --server URL or --data DIR", errNoServer, socket)
	}
	_ = conn.Close() // only asked whether somebody answers
	return dialled(header, func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}, func() error { return nil }), nil
}

// refuseRedirect: following one would turn a POST into a GET, whose 200 looks like a submission that was taken, and would
// carry the token to wherever it points.
func refuseRedirect(to *http.Request, _ []*http.Request) error {
	return fmt.Errorf("the server redirects to %s://%s: give that address with --server", to.URL.Scheme, to.URL.Host)
}

func dialled(header string, dial func(context.Context) (net.Conn, error), end func() error) *client {
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	return &client{base: "http://vconduit", header: header, http: &http.Client{Transport: t}, close: func() error {
		t.CloseIdleConnections()
		return end()
	}}
}

// request is one call of the API.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	key          string // takes the place of the token
	idempotency  string
}

// reply is an answer, whole.
type reply struct {
	status  int
	body    []byte
	warning string // X-Vcon-Warning
}

// do sends a request; the caller closes the answer's body.
func (c *client) do(ctx context.Context, q request) (*http.Response, error) {
	u := c.base + q.path
	if len(q.query) > 0 {
		u += "?" + q.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, q.method, u, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	if len(q.body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if key := q.key; key != "" || c.token != "" {
		if key == "" {
			key = c.token
		}
		req.Header.Set(c.header, key)
	}
	if q.idempotency != "" {
		req.Header.Set("Idempotency-Key", q.idempotency)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	return resp, nil
}

// send sends a request and reads the answer.
func (c *client) send(ctx context.Context, q request) (reply, error) {
	resp, err := c.do(ctx, q)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, fmt.Errorf("%s %s: read the answer: %w", q.method, q.path, err)
	}
	return reply{status: resp.StatusCode, body: body, warning: resp.Header.Get("X-Vcon-Warning")}, nil
}

// get decodes the JSON answer of a request that must succeed.
func (c *client) get(ctx context.Context, q request, into any) error {
	r, err := c.send(ctx, q)
	if err != nil {
		return err
	}
	if err := r.decode(into); err != nil {
		return fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	return nil
}

// decode reads the JSON of an answer that must be a success.
func (r reply) decode(into any) error {
	if r.status >= 300 {
		return r.err()
	}
	if err := json.Unmarshal(r.body, into); err != nil {
		return fmt.Errorf("the answer is no JSON of the expected form: %w", err)
	}
	return nil
}

// err turns a refusal into an error that says what to do.
func (r reply) err() error {
	hint := ""
	if r.status == http.StatusForbidden {
		hint = " (give --token, or --key for an ingress list)"
	}
	return fmt.Errorf("the server answered %d: %s%s", r.status, r.detail(), hint)
}

// detail is the answer's own words: its "detail", a text or a list of findings.
func (r reply) detail() string {
	var d struct {
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(r.body, &d) != nil || len(d.Detail) == 0 {
		return http.StatusText(r.status)
	}
	return detailText(d.Detail)
}

// detailText is a detail in one line.
func detailText(detail json.RawMessage) string {
	var text string
	if json.Unmarshal(detail, &text) == nil {
		return text
	}
	var list []struct {
		Loc []any  `json:"loc"`
		Msg string `json:"msg"`
	}
	if json.Unmarshal(detail, &list) != nil {
		return string(detail)
	}
	var parts []string
	for _, e := range list {
		var at []string
		for _, step := range e.Loc {
			at = append(at, fmt.Sprint(step))
		}
		parts = append(parts, strings.Join(at, ".")+": "+e.Msg)
	}
	return strings.Join(parts, "; ")
}
