package api

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/config"
)

// BenchmarkIngest is what a partner's POST of 4 kB costs without a store, beside a fasthttp server that only answers:
// one kept-alive connection over loopback, the client's part included in both.
func BenchmarkIngest(b *testing.B) {
	body := doc(`"parties":[{"tel":"+12025550101"},{"tel":"+12025550102"}],"dialog":[{"type":"text","start":"2024-01-15T10:30:00Z","parties":[0],"body":"` +
		strings.Repeat("x", 4000) + `","encoding":"none","mediatype":"text/plain"}],"analysis":[],"attachments":[]`)
	request := fmt.Appendf(nil, "POST /vcon/external-ingress?ingress_list=a HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"+
		"X-Conserver-Api-Token: partner-key-of-some-length\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	b.Run("bare", func(b *testing.B) {
		bare := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) { ctx.SetStatusCode(fasthttp.StatusNoContent) }}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		go func() { _ = bare.Serve(ln) }()
		b.Cleanup(func() { _ = ln.Close() })
		exchange(b, ln.Addr().String(), request)
	})
	b.Run("api", func(b *testing.B) {
		s := New(Options{Store: forgetful{}, Settings: Settings{
			Lists:   map[string]bool{"a": true},
			Ingress: map[string]IngressList{"a": {Keys: []IngressKey{{Hash: config.HashKey("partner-key-of-some-length")}}}},
		}})
		exchange(b, strings.TrimPrefix(listenTCP(b, s), "http://"), request)
	})
}

// exchange sends the request and reads a 204, b.N times over one connection.
func exchange(b *testing.B, addr string, request []byte) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	b.ReportAllocs()
	b.SetBytes(int64(len(request)))
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		line, err := in.ReadSlice('\n')
		if err != nil || !bytes.HasPrefix(line, []byte("HTTP/1.1 204")) {
			rest, _ := io.ReadAll(io.LimitReader(in, 500))
			b.Fatalf("%s%s %v", line, rest, err)
		}
		for len(line) > 2 {
			if line, err = in.ReadSlice('\n'); err != nil {
				b.Fatal(err)
			}
		}
	}
}
