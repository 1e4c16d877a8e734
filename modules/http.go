package modules

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

const maxRedirects = 5

// fetch gets what an https: ref names. Each redirect is a request of its own: to an https URL, under the networks and
// authorities of that URL's source. The token stays below the match of the ref's source; once gone, it does not come back.
func (s *Store) fetch(ctx context.Context, ref Ref) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	address, from := ref.rest, s.source(ref.rest)
	token, err := s.token(from.Auth)
	if err != nil {
		return nil, err
	}
	for range maxRedirects + 1 {
		src := s.source(address)
		if src != from {
			token = ""
		}
		answer, err := s.ask(ctx, ref, src, address, token)
		if err != nil {
			return nil, err
		}
		next, err := redirect(address, answer)
		if err != nil {
			return nil, err
		}
		if next == "" {
			return answer.Body, nil
		}
		address = next
	}
	return nil, fmt.Errorf("%w: more than %d redirects", ErrUnavailable, maxRedirects)
}

// ask makes one request. Its client is its own: fetches are rare, and authorities and networks are the source's.
func (s *Store) ask(ctx context.Context, ref Ref, src *source, address, token string) (*outbound.Response, error) {
	authorities, err := s.authorities(src.CA)
	if err != nil {
		return nil, err
	}
	rule, err := outbound.ForURL(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrRef, reason(err)) // ParseRef took it
	}
	rule.Private = false
	client := outbound.New(outbound.Options{Resolver: s.resolver, Dial: s.dial, TLS: authorities, Private: src.networks})
	defer client.Close()
	request := &outbound.Request{Method: http.MethodGet, URL: address, Timeout: s.timeout, MaxBytes: s.maxSize,
		Header: http.Header{"Accept": {"application/wasm, application/octet-stream, */*"}}}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if s.progress != nil {
		request.Progress = func(done, total int64) { s.progress(ref, done, total) }
	}
	answer, err := client.Do(ctx, outbound.Policy{Rules: []outbound.Rule{rule}}, request)
	if answer != nil && (err == nil || errors.Is(err, outbound.ErrTooLarge)) {
		if bad := statusError(answer.Status); bad != nil {
			return nil, bad // however much it says about it
		}
	}
	if err != nil {
		return nil, s.wireError(err)
	}
	return answer, nil
}

// statusError says what a status means; nil for the module itself and for a redirect.
func statusError(status int) error {
	kind := ErrUnavailable
	switch status {
	case http.StatusOK, http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = ErrDenied
	case http.StatusNotFound, http.StatusGone:
		kind = ErrNotFound
	}
	return fmt.Errorf("%w: the server answered %d", kind, status)
}

// wireError says what a failed request means for who configures the source.
func (s *Store) wireError(err error) error {
	var denied *outbound.DeniedError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.Is(err, outbound.ErrTooLarge):
		return fmt.Errorf("%w: more than %d bytes, or it unpacks out of all proportion", ErrTooLarge, s.maxSize)
	case errors.As(err, &denied) && denied.Address != "":
		return fmt.Errorf("%w: the address of %s is %s; a source that matches %s/ may list its network as private", ErrDenied, denied.Origin, denied.Address, denied.Origin)
	case errors.As(err, &untrusted):
		return fmt.Errorf("%w: %w; ca names the authorities of a source", ErrDenied, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// redirect gives the URL that an answer sends us to, "" if it is the module itself.
func redirect(from string, answer *outbound.Response) (string, error) {
	if answer.Status == http.StatusOK {
		return "", nil
	}
	base, err := url.Parse(from)
	if err != nil {
		return "", fmt.Errorf("%w: the URL does not parse", ErrRef) // ParseRef took it
	}
	location := answer.Header.Get("Location")
	next, err := base.Parse(location)
	if err != nil || location == "" {
		return "", errRedirect
	}
	next.Fragment, next.RawFragment = "", ""
	if ref, err := ParseRef(next.String()); err == nil && ref.kind == HTTPS {
		return ref.rest, nil
	}
	return "", errRedirect
}

var errRedirect = fmt.Errorf("%w: the server sends us to what is no https address", ErrDenied)
