package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func quiet() IO {
	return IO{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Getenv: func(string) string { return "" }}
}

// TestHelp: each command explains itself, and each of its examples has only flags that it takes.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			io := quiet()
			if code := Main(context.Background(), append(strings.Fields(c.name), "--help"), io); code != ExitOK {
				t.Fatalf("--help ends with %d", code)
			}
			help := io.Out.(*bytes.Buffer).String()
			for _, want := range []string{c.short, "Usage: vconduit " + c.name, "Examples:", "Options:"} {
				if !strings.Contains(help, want) {
					t.Errorf("--help does not say %q:\n%s", want, help)
				}
			}
			if len(c.examples) == 0 {
				t.Error("no examples")
			}
			for _, e := range c.examples {
				checkExample(t, c, e)
			}
		})
	}
}

func checkExample(t *testing.T, c command, example string) {
	t.Helper()
	_, args, ok := strings.Cut(example, "vconduit "+c.name)
	if !ok {
		t.Errorf("example %q does not call %q", example, c.name)
		return
	}
	if i := strings.IndexAny(args, "|<>#"); i >= 0 {
		args = args[:i]
	}
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(&bytes.Buffer{})
	c.setup(fs, quiet())
	if _, err := parse(fs, strings.Fields(args)); err != nil {
		t.Errorf("example %q: %v", example, err)
	}
}

func TestParseTakesFlagsAndWordsInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args  string
		list  string
		words string
		bad   bool
	}{
		{"a b --list x", "x", "a b", false},
		{"--list x a b", "x", "a b", false},
		{"a --list=x b", "x", "a b", false},
		{"a -- --list x", "", "a --list x", false},
		{"a --lost x", "", "", true},
		{"--list", "", "", true},
		{"-", "", "-", false},
	} {
		fs := flag.NewFlagSet("t", flag.ContinueOnError)
		fs.SetOutput(&bytes.Buffer{})
		list := fs.String("list", "", "")
		words, err := parse(fs, strings.Fields(c.args))
		if (err != nil) != c.bad || err == nil && (*list != c.list || strings.Join(words, " ") != c.words) {
			t.Errorf("%q: list %q, words %q, error %v", c.args, *list, words, err)
		}
	}
}

func TestInserted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sent, saved string
		n           int
		ok          bool
	}{
		{"abcd", "abcd", 0, true},
		{"abcd", "abXYcd", 2, true},
		{"abcd", "abcdX", 1, true},
		{"abcd", "Xabcd", 1, true},
		{"abcd", "abXd", 0, false},
		{"abcd", "abc", 0, false},
		{"aaaa", "aaaaaa", 2, true},
	} {
		n, ok := inserted([]byte(c.sent), []byte(c.saved))
		if ok != c.ok || ok && n != c.n {
			t.Errorf("%q in %q: %d, %v", c.sent, c.saved, n, ok)
		}
	}
}

// TestRedirectsAreNotFollowed: a POST that comes back as a GET with 200 is no submission, and the token goes nowhere else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		t.Errorf("%s %s with token %q", q.Method, q.URL, q.Header.Get("x-conserver-api-token"))
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/vcon", http.StatusMovedPermanently))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "a.vcon")
	if err := os.WriteFile(file, []byte(`{"uuid":"019394ef-7d0a-8c3e-8caa-f24ab1a0c334"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	io := quiet()
	code := Main(t.Context(), []string{"vcon", "submit", file, "--server", server.URL, "--token", "secret-token"}, io)
	if out := io.Err.(*bytes.Buffer).String(); code != ExitFail || !strings.Contains(out, elsewhere.URL) || strings.Contains(out, "secret-token") {
		t.Errorf("%d: %s", code, out)
	}
}

// refilling is a server whose dead letters die again as soon as they are retried.
type refilling struct {
	depth   int
	asked   int // to move
	longest int // request line
}

func (s *refilling) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	s.longest = max(s.longest, len(q.URL.String()))
	switch q.URL.Path {
	case "/stats/queue":
		fmt.Fprintf(w, `{"list_name":%q,"depth":%d}`, q.URL.Query().Get("list_name"), s.depth)
	case "/dlq/entries":
		io.WriteString(w, `[{"uuid":"019394ef-7d0a-8c3e-8caa-f24ab1a0c334","ingress_list":"calls"}]`)
	default:
		count, _ := strconv.Atoi(q.URL.Query().Get("count"))
		if ids := q.URL.Query()["vcon_uuid"]; len(ids) > 0 {
			count = len(ids)
		}
		s.asked += count
		fmt.Fprint(w, count)
	}
}

func TestRetryEnds(t *testing.T) {
	t.Parallel()
	ids := strings.Fields(strings.Repeat("019394ef-7d0a-8c3e-8caa-f24ab1a0c334 ", 2500))
	for name, args := range map[string][]string{"all": {"--all", "--list", "calls"}, "uuids": ids} {
		s := &refilling{depth: 2500}
		server := httptest.NewServer(s)
		defer server.Close()
		io := quiet()
		if code := Main(t.Context(), append([]string{"dlq", "retry", "--server", server.URL}, args...), io); code != ExitOK {
			t.Errorf("%s: %d, %s", name, code, io.Err)
		}
		if s.asked != 2500 || s.longest > 16<<10 {
			t.Errorf("%s: %d moved, request line of %d bytes", name, s.asked, s.longest)
		}
	}
}

func TestMistakesAreSaidOnce(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"serve --bad", "vcon list --limit -1", "vcon list --server localhost:8000", "vcon list --server ::"} {
		io := quiet()
		code := Main(t.Context(), strings.Fields(line), io)
		if out := io.Err.(*bytes.Buffer).String(); code != ExitUsage || strings.Count(out, "\n") != 2 {
			t.Errorf("%s: %d\n%s", line, code, out)
		}
	}
}

// TestCheckOfAMove: a file of vcon-server is told apart in what carries over, what changes and what cannot run.
func TestCheckOfAMove(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "old.yml")
	if err := os.WriteFile(file, []byte(`
imports: {utils: {module: utils, pip_name: utils}}
links:
  tag: {module: links.tag, options: {tags: [a]}}
  mine: {module: my_link, pip_name: my-link==1.0}
storages:
  files: {module: storage.file, options: {path: /tmp/x}}
chains:
  good: {links: [tag], storages: [files], ingress_lists: [in], timeout: 90s}
  plain: {links: [tag], storages: [files], ingress_lists: [other]}
  bad: {links: [mine], ingress_lists: [b]}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	io := quiet()
	if code := Main(t.Context(), []string{"check", "--from", "vcon-server", "--config", file}, io); code != ExitUsage {
		t.Errorf("exit code %d", code)
	}
	carries, rest, _ := strings.Cut(io.Out.(*bytes.Buffer).String(), "Changes:\n")
	changes, cannot, _ := strings.Cut(rest, "Cannot run here")
	for _, c := range []struct{ part, has, not string }{
		{carries, "links: tag", "mine"},
		{carries, "storages: files", "good"},
		{carries, "chains: plain", "bad"},
		{changes, "chains.good.timeout: Python ignored this", "line 2: warning: chains"},
		{changes, "line 2: warning: imports.utils", "held"},
		{cannot, "links.mine: my_link is a Python package", "imports"},
		{cannot, "chains.bad: the chain is held", "good"},
	} {
		if !strings.Contains(c.part, c.has) || strings.Contains(c.part, c.not) {
			t.Errorf("want %q and not %q in\n%s", c.has, c.not, c.part)
		}
	}
}
