// Package webhook is the storage "webhook": each vCon is POSTed as JSON to one or more URLs.
//
// Guarantees: a save succeeds when every URL answered 2xx; a URL that has answered is not called again for the same
// revision while the others are retried; each request carries an Idempotency-Key that is the same whenever the same
// revision is sent again. The storage can neither read nor delete.
// Left to others: retries (runtime/chain), and the checks of outgoing requests (hostabi/outbound): the URLs that stand in
// the options are granted, private addresses too. Source: the Python server's storage.webhook.
package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// Config are the options.
type Config struct {
	URLs           []string          // webhook-urls: one at least
	Headers        map[string]string // headers, for every URL
	Timeout        time.Duration     // timeout: of one request, seconds or "30s"; default 10
	RewriteVersion bool              // rewrite_version: "vcon" absent or 0.0.1 is sent as 0.3.0; default true, as the Python server
}

// readConfig also takes the names of older configurations: auth_header and api_token.
func readConfig(raw json.RawMessage) (_ Config, unknown []string, _ error) {
	o := chain.ReadOptions(raw)
	c := Config{
		URLs:           o.Texts("webhook-urls"),
		Headers:        o.TextMap("headers"),
		Timeout:        o.Duration("timeout", 10*time.Second, time.Millisecond, time.Hour),
		RewriteVersion: o.Bool("rewrite_version", true),
	}
	if c.Headers == nil {
		c.Headers = map[string]string{}
	}
	for option, header := range map[string]string{"auth_header": "Authorization", "api_token": "x-conserver-api-token"} {
		v := o.Text(option, "")
		same := func(name string) bool { return strings.EqualFold(name, header) }
		if v != "" && !slices.ContainsFunc(slices.Collect(maps.Keys(c.Headers)), same) {
			c.Headers[header] = v
		}
	}
	if len(c.URLs) == 0 {
		o.Fail("webhook-urls", "must name a URL")
	}
	for i, u := range c.URLs {
		if _, err := targetOf(u); err != nil {
			o.Fail("webhook-urls", "item %d is refused: %w", i+1, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if err := outbound.CheckHeader(name, c.Headers[name]); err != nil {
			o.Fail("headers", "is refused: %w", err)
		}
	}
	return c, o.Unknown(), o.Err()
}

// Storage posts vCons. Safe for concurrent use.
type Storage struct {
	c       Config
	targets []target
	client  *outbound.Client
	partly  partly
	closed  atomic.Bool
}

// target is one URL with what grants it.
type target struct {
	url    string // without user and password
	auth   string // Authorization that user and password in the URL stand for, "" = none
	origin string // what errors may show of the URL
	policy outbound.Policy
}

// targetOf reads a URL of the options. User and password in it become basic authorisation, as old configs expect.
func targetOf(raw string) (target, error) {
	t := target{url: raw}
	if u, err := url.Parse(raw); err == nil && u.User != nil {
		password, _ := u.User.Password()
		t.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
		u.User = nil
		t.url = u.String()
	}
	rule, err := outbound.ForURL(t.url)
	if err != nil {
		return t, err
	}
	rule.Methods = []string{http.MethodPost}
	t.policy.Rules = []outbound.Rule{rule}
	rule.PathPrefix = ""
	t.origin = rule.String()
	return t, nil
}

// Check says everything that is wrong with the options, and which of them do nothing; it connects to nothing.
func Check(options json.RawMessage) (unknown []string, err error) {
	_, unknown, err = readConfig(options)
	return unknown, err
}

// Open checks the options. It does not connect.
func Open(_ context.Context, name string, options json.RawMessage) (chain.Storage, error) {
	c, _, err := readConfig(options)
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", name, err)
	}
	s := &Storage{c: c, client: outbound.New(outbound.Options{})}
	for _, u := range c.URLs {
		t, err := targetOf(u)
		if err != nil {
			return nil, fmt.Errorf("storage %q: %w", name, err) // readConfig has tried it
		}
		s.targets = append(s.targets, t)
	}
	return s, nil
}

// Save posts the vCon to every URL that has not had this revision yet.
func (s *Storage) Save(ctx context.Context, doc *vcon.VCon, rev uint64) error {
	if s.closed.Load() {
		return chain.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	key := keyOf(doc, rev)
	body, err := s.body(doc)
	if err != nil {
		return chain.Permanent(fmt.Errorf("post vcon %s: %w", doc.ID(), err))
	}
	done := s.partly.done(key, len(s.targets))
	errs := make([]error, len(s.targets))
	var wg sync.WaitGroup
	for i, t := range s.targets {
		if !done[i] {
			wg.Go(func() { errs[i] = s.post(ctx, t, key, body) })
		}
	}
	wg.Wait()
	for i, err := range errs {
		done[i] = err == nil
	}
	s.partly.keep(key, done)
	return joined(doc.ID(), errs)
}

// post sends to one URL.
func (s *Storage) post(ctx context.Context, t target, key [32]byte, body []byte) error {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("Idempotency-Key", hex.EncodeToString(key[:]))
	for name, value := range s.c.Headers {
		h.Set(name, value)
	}
	if t.auth != "" {
		h.Set("Authorization", t.auth)
	}
	answer, err := s.client.Do(ctx, t.policy, &outbound.Request{
		Method: http.MethodPost, URL: t.url, Header: h, Timeout: s.c.Timeout,
		Body: bytes.NewReader(body), Length: int64(len(body)),
	})
	switch denied := (*outbound.DeniedError)(nil); {
	case errors.As(err, &denied) || errors.Is(err, outbound.ErrRequest):
		return chain.Permanent(err)
	case err != nil && !errors.Is(err, outbound.ErrTooLarge): // at length or not: what it says is of no interest, its status is
		return err
	}
	return statusError(t.origin, answer.Status)
}

// statusError judges an answer. What says that this document is wrong is final; the rest may get better.
func statusError(origin string, status int) error {
	if status >= 200 && status < 300 {
		return nil
	}
	err := fmt.Errorf("%s answered %d", origin, status)
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return chain.Permanent(err)
	}
	return err
}

// joined is one error of all; it is permanent only if every one is.
func joined(id vcon.ID, errs []error) error {
	var again, final []error
	for _, err := range errs {
		switch {
		case err == nil:
		case chain.IsPermanent(err):
			final = append(final, errors.New(err.Error()))
		default:
			again = append(again, err)
		}
	}
	if len(again)+len(final) == 0 {
		return nil
	}
	err := fmt.Errorf("post vcon %s: %w", id, errors.Join(append(again, final...)...))
	if len(again) == 0 {
		return chain.Permanent(err)
	}
	return err
}

// body is what is sent: the document as it is, or with a version that receivers of the Python server know.
func (s *Storage) body(doc *vcon.VCon) ([]byte, error) {
	if !s.c.RewriteVersion || doc.Form() != vcon.Unsigned {
		return doc.Bytes(), nil
	}
	if v, err := doc.Get("/vcon"); err == nil {
		if text, _ := v.Text(); text != "0.0.1" {
			return doc.Bytes(), nil
		}
	}
	d := doc.Draft()
	if err := d.Set("/vcon", []byte(`"0.3.0"`)); err != nil {
		return nil, err
	}
	sent, err := d.VCon()
	if err != nil {
		return nil, err
	}
	return sent.Bytes(), nil
}

// Appends is true: the receiver sees each request.
func (s *Storage) Appends() bool { return true }

// Close makes further calls fail.
func (s *Storage) Close() error {
	if !s.closed.Swap(true) {
		s.client.Close()
	}
	return nil
}

// keyOf is the Idempotency-Key of a revision. The text is part of it, for revisions begin again after a deletion.
func keyOf(doc *vcon.VCon, rev uint64) [32]byte {
	id, hash := doc.ID(), doc.Hash()
	b := binary.BigEndian.AppendUint64(append([]byte("vconduit storage webhook\n"), id[:]...), rev)
	return sha256.Sum256(append(b, hash[:]...))
}

// partly remembers which URLs have had a revision that others refused. What it forgets is sent again, with the same key.
type partly struct {
	mu    sync.Mutex
	sent  map[[32]byte][]bool
	order [][32]byte // oldest first
}

// mostPartly bounds what is remembered.
const mostPartly = 10000

// done says, per URL, whether it has had the revision.
func (p *partly) done(key [32]byte, urls int) []bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.sent[key]; d != nil {
		return slices.Clone(d)
	}
	return make([]bool, urls)
}

// keep remembers a revision until every URL has it.
func (p *partly) keep(key [32]byte, done []bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.sent[key]
	switch {
	case !slices.Contains(done, false) || !slices.Contains(done, true):
		if known {
			delete(p.sent, key)
			p.order = slices.DeleteFunc(p.order, func(k [32]byte) bool { return k == key })
		}
		return
	case p.sent == nil:
		p.sent = map[[32]byte][]bool{}
	}
	p.sent[key] = done
	if known {
		return
	}
	if p.order = append(p.order, key); len(p.order) > mostPartly {
		delete(p.sent, p.order[0])
		p.order = p.order[1:]
	}
}

var (
	_ chain.OpenStorage = Open
	_ chain.Appender    = (*Storage)(nil)
)
