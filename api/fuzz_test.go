package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/config"
)

// FuzzRequest sends any body, query and content type to every route: never a panic, never a 500 while the store works,
// JSON where JSON is announced, and what was taken is what is kept.
func FuzzRequest(f *testing.F) {
	for i, body := range []string{
		"", "null", "{}", "[]", dated(1), "[" + dated(2) + "]", list(1, 2), `[{"uuid":"` + id(1) + `","token":"00"}]`, "\xff\xfe", "{\"uuid\":", "\x1f\x8b\x08\x00",
		`{"chains":{"a":{"links":["tag"],"ingress_lists":["in"]}}}`, `{"uuid":"` + id(1) + `","uuid":null,"dialog":[{"parties":[[0]]}]}`,
	} {
		for route := range table() {
			f.Add(uint(route), "", id(i), []byte(body), "application/json", "")
		}
	}
	f.Add(uint(8), "since=2024-01-15T10%3A00%3A00&until=1e400&page=-9223372036854775808&size=%zz", "", []byte(nil), "", "gzip")
	f.Add(uint(9), "ingress_list=a,b&ingress_lists=vconduit:x&ingress_list=%00%ff", "", []byte(dated(3)), "text/plain; charset=\"", "gzip")
	s := fuzzed(f)
	f.Fuzz(func(t *testing.T, route uint, query, segment string, body []byte, contentType, encoding string) {
		rt := s.routes[route%uint(len(s.routes))]
		ctx := request(rt, query, segment, body, contentType, encoding)
		s.serve(ctx)
		status, text := ctx.Response.StatusCode(), ctx.Response.Body()
		if status < 200 || status >= 500 {
			t.Fatalf("%s %s?%s: %d %s", rt.method, rt.path, query, status, text)
		}
		if bytes.Equal(ctx.Response.Header.ContentType(), typeJSON) && status != 204 && !json.Valid(text) {
			t.Fatalf("%s %s: not JSON: %s", rt.method, rt.path, text)
		}
		if status == 201 && encoding == "" && !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) && contentType != "application/vcon+gzip" && !bytes.Equal(text, body) {
			t.Fatalf("kept %s of %s", text, body)
		}
		if s.inflight.Load() != 0 {
			t.Fatalf("%d bytes still booked", s.inflight.Load())
		}
	})
}

func fuzzed(f *testing.F) *Server {
	path := filepath.Join(f.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(someConfig), 0o600); err != nil {
		f.Fatal(err)
	}
	return New(Options{Store: open(f), Config: onFile(path, config.Options{}, nil), Backup: busy, Settings: Settings{BodyLimit: 1 << 20, EgressFormat: "0.0.1", CORS: []string{"*"}}})
}

// busy is a backup that another caller is taking.
func busy(context.Context) (io.ReadCloser, error) { return nil, ErrBackupRuns }

func request(rt *route, query, segment string, body []byte, contentType, encoding string) *fasthttp.RequestCtx {
	var req fasthttp.Request
	req.Header.SetMethod(rt.method)
	path := rt.path
	if before, _, variable := bytes.Cut([]byte(path), []byte{'{'}); variable {
		path = string(before) + url.PathEscape(segment)
	}
	req.SetRequestURI(path + "?" + query)
	req.Header.SetContentType(contentType)
	req.Header.Set(fasthttp.HeaderContentEncoding, encoding)
	if len(body) > 0 {
		req.SetBodyStream(bytes.NewReader(body), len(body))
		req.Header.SetContentLength(len(body))
	}
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(&req, nil, nil)
	return ctx
}
