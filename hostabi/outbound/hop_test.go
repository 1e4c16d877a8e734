package outbound

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// full is a sink that takes only so much.
type full struct {
	bytes.Buffer
	room int
}

var errFull = errors.New("the disk is full")

func (f *full) Write(p []byte) (int, error) {
	if f.Len()+len(p) > f.room {
		return 0, errFull
	}
	return f.Buffer.Write(p)
}

func TestSink(t *testing.T) {
	t.Parallel()
	n := setup(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/to":
			w.Header().Set("Location", "/gzip")
			w.WriteHeader(http.StatusFound)
			io.WriteString(w, "moved")
		case "/gzip":
			w.Header().Set("Content-Encoding", "x-gzip")
			w.Write(zip([]byte("unpacked")))
		case "/404":
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, "not found")
		default:
			io.WriteString(w, strings.Repeat("x", 1000))
		}
	})
	n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
	get := func(path string, redirects int, limit int64, room int) (*Response, string, error) {
		sink := &full{room: room}
		got, err := n.Do(t.Context(), anyHost, &Request{Method: "GET", URL: "http://a.example" + path, Sink: sink, Redirects: redirects, MaxBytes: limit})
		return got, sink.String(), err
	}
	for _, c := range []struct {
		path      string
		redirects int
		status    int
		kept      string
	}{{"/gzip", 0, 200, "unpacked"}, {"/to", 1, 200, "unpacked"}, {"/to", 0, 302, ""}, {"/404", 0, 404, ""}, {"/x", 0, 200, strings.Repeat("x", 1000)}} {
		got, kept, err := get(c.path, c.redirects, 1000, 1000)
		if err != nil || got.Status != c.status || kept != c.kept || got.Body != nil {
			t.Errorf("%s: %+v, %q, %v", c.path, got, kept, err)
		}
	}
	if got, _, err := get("/x", 0, 999, 1000); !errors.Is(err, ErrTooLarge) || got.Status != 200 {
		t.Errorf("too large: %+v, %v", got, err)
	}
	if _, _, err := get("/x", 0, 1000, 999); !errors.Is(err, ErrSink) || !errors.Is(err, errFull) {
		t.Errorf("no room: %v", err)
	}
}

// TestCrossing: it is asked for other origins alone, may take out what it will, and may say no.
func TestCrossing(t *testing.T) {
	t.Parallel()
	n := setup(t, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s agent=%s body=%s", r.Method, r.Host, r.Header.Get("User-Agent"), body)
	})
	n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
	n.names.answers["b.example"] = [][]string{{"8.8.4.4"}}
	var asked []string
	do := func(to string, says bool) *Response {
		t.Helper()
		got, err := n.Do(t.Context(), anyHost, &Request{Method: "PUT", URL: "http://a.example/?to=" + url.QueryEscape(to), Header: http.Header{"User-Agent": {"mine"}},
			Body: strings.NewReader("body"), Length: 4, Redirects: 3, Crossing: func(next *Request) bool {
				asked = append(asked, next.URL)
				next.Header.Del("User-Agent")
				return says
			}})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := string(do("/x", false).Body); got != "PUT a.example agent=mine body=body" || asked != nil {
		t.Errorf("to the same origin: %q, asked %q", got, asked)
	}
	if got := string(do("http://b.example/x", true).Body); got != "PUT b.example agent=vconduit body=body" || len(asked) != 1 || asked[0] != "http://b.example/x" {
		t.Errorf("to another: %q, asked %q", got, asked)
	}
	if got := do("http://b.example/x", false); got.Status != http.StatusTemporaryRedirect {
		t.Errorf("refused: %+v", got)
	}
}

// TestBodyThatIsReadOnce: a redirect that wants it again is the answer.
func TestBodyThatIsReadOnce(t *testing.T) {
	t.Parallel()
	n := setup(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/next")
		status := http.StatusMovedPermanently
		if r.URL.RawQuery == "308" {
			status = http.StatusPermanentRedirect
		}
		if r.URL.Path == "/next" {
			status = http.StatusOK
		}
		w.WriteHeader(status)
	})
	n.names.answers["a.example"] = [][]string{{"8.8.8.8"}}
	for _, c := range []struct {
		method, query string
		want          int
	}{{"PUT", "301", 301}, {"PUT", "308", 308}, {"POST", "308", 308}, {"POST", "301", 200}} {
		got, err := n.Do(t.Context(), anyHost, &Request{Method: c.method, URL: "http://a.example/?" + c.query, Redirects: 3, Body: io.LimitReader(strings.NewReader("body"), 4), Length: 4})
		if err != nil || got.Status != c.want {
			t.Errorf("%s %s: %+v, %v; want %d", c.method, c.query, got, err, c.want)
		}
	}
}
