package redis

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// server is how a Redis is reached.
type server struct {
	options redis.Options
	caFile  string // certificates that it may be signed with, "" = the system's
}

// errURL is all that is said about a URL: whichever part is wrong, a password may be in it.
var errURL = errors.New("must be a URL such as redis://user:password@host:6379/0, rediss://... or unix:///path, with special characters of the password as %XX")

// parseURL reads a URL with what go-redis and redis-py read in it: of the latter's parameters, ssl_cert_reqs and
// ssl_ca_certs. Errors never hold a part of the text.
func parseURL(text string) (*server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errURL
	}
	q := u.Query()
	reqs, ca := q.Get("ssl_cert_reqs"), q.Get("ssl_ca_certs")
	q.Del("ssl_cert_reqs")
	q.Del("ssl_ca_certs")
	u.RawQuery = q.Encode()
	o, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, errURL
	}
	switch reqs {
	case "", "required", "optional":
	case "none":
		if o.TLSConfig != nil {
			o.TLSConfig.InsecureSkipVerify = true
		}
	default:
		return nil, errors.New("has an ssl_cert_reqs that is not none, optional or required")
	}
	o.MaxRetries, o.DialerRetries = -1, 1 // who wraps the storage tries again
	o.ContextTimeoutEnabled = true
	if o.ReadTimeout == 0 {
		o.ReadTimeout = -1 // the context's alone: a large document may take long
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = -1
	}
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &server{options: *o, caFile: ca}, nil
}

// String is what errors say of the server.
func (s *server) String() string {
	if s.options.Network == "unix" {
		return "redis at " + s.options.Addr
	}
	return fmt.Sprintf("redis at %s, database %d", s.options.Addr, s.options.DB)
}

// client makes a client. It connects when it is used first.
func (s *server) client() (*redis.Client, error) {
	o := s.options
	if s.caFile != "" && o.TLSConfig != nil {
		pem, err := os.ReadFile(s.caFile)
		if err != nil {
			return nil, fmt.Errorf("option \"redis_url\": ssl_ca_certs: %w", err)
		}
		o.TLSConfig = o.TLSConfig.Clone()
		o.TLSConfig.RootCAs = x509.NewCertPool()
		if !o.TLSConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("option \"redis_url\": ssl_ca_certs: %s has no certificate", s.caFile)
		}
	}
	logging.Disable() // of the whole process, there is no other: it would write to stderr what our errors say
	return redis.NewClient(&o), nil
}
