package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestTop asks a server of which one vCon comes with each look.
func TestTop(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/ready":
			w.WriteHeader(http.StatusServiceUnavailable) // every chain is held: top shows it all the same
			fmt.Fprint(w, `{"status":"not ready","held":{"main":["why"]}}`)
		case "/metrics":
			fmt.Fprintf(w, "conserver_ingress_list_length{ingress_list=\"calls\",kind=\"ingress\"} %d\n", n.Add(1))
		default:
			http.NotFound(w, q)
		}
	}))
	defer server.Close()
	top := func(args ...string) (int, string) {
		io := quiet()
		code := Main(t.Context(), append([]string{"top", "--interval", "200ms", "--server", server.URL}, args...), io)
		return code, io.Out.(*bytes.Buffer).String() + io.Err.(*bytes.Buffer).String()
	}
	if code, out := top("--once"); code != ExitOK || !strings.Contains(out, "calls") || !strings.Contains(out, "main is held: why") {
		t.Errorf("%d: %s", code, out)
	}
	code, out := top("--once", "--json")
	var v struct{ Lists []struct{ Ready float64 } }
	if err := json.Unmarshal([]byte(out), &v); code != ExitOK || err != nil || len(v.Lists) != 1 || v.Lists[0].Ready != 4 {
		t.Errorf("%d, %v: %s", code, err, out)
	}
	if code, out := top("--once", "--metrics", "/elsewhere"); code != ExitFail || !strings.Contains(out, "/elsewhere") {
		t.Errorf("no metrics there: %d, %s", code, out)
	}
	if code, _ := top("--interval", "1ms"); code != ExitUsage {
		t.Errorf("too fast: %d", code)
	}
}

// TestTopNeedsAServer: it does not open the store itself, which would keep a server from starting.
func TestTopNeedsAServer(t *testing.T) {
	t.Parallel()
	io := quiet()
	if code := Main(t.Context(), []string{"top", "--data", t.TempDir()}, io); code != ExitFail || !strings.Contains(io.Err.(*bytes.Buffer).String(), "no server answers") {
		t.Errorf("%d: %s", code, io.Err)
	}
}
