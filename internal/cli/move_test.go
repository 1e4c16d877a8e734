package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vconduit/vconduit/internal/app"
)

// moved is a store with the real API before it, reached through a proxy that can lose answers.
type moved struct {
	t       *testing.T
	url     string
	posts   atomic.Int64
	cutFrom atomic.Int64 // from this post on answers are lost; 0 = never
}

func newMoved(t *testing.T) *moved {
	t.Helper()
	off, err := app.Offline(t.Context(), app.Options{Data: t.TempDir(), Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	m := &moved{t: t}
	backend := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return off.Dial(ctx) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.pass(backend, w, r) }))
	t.Cleanup(func() {
		server.Close()
		backend.CloseIdleConnections()
		if err := off.Close(); err != nil {
			t.Error(err)
		}
	})
	m.url = server.URL
	return m
}

// pass hands a request on, whole, and the answer back, unless it is to be lost.
func (m *moved) pass(backend http.RoundTripper, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		m.t.Error(err)
		return
	}
	req, err := http.NewRequest(r.Method, "http://vconduit"+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		m.t.Error(err)
		return
	}
	req.Header = r.Header
	resp, err := backend.RoundTrip(req)
	if err != nil {
		m.t.Error(err)
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		m.t.Error(err)
		return
	}
	if cut := m.cutFrom.Load(); r.Method == http.MethodPost && m.posts.Add(1) >= cut && cut > 0 {
		panic(http.ErrAbortHandler) // done, and nobody is told
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer)
}

func (m *moved) run(want int, args ...string) (out, errs string) {
	m.t.Helper()
	return m.feed(want, "", args...)
}

func (m *moved) feed(want int, stdin string, args ...string) (out, errs string) {
	m.t.Helper()
	std := quiet()
	std.In = strings.NewReader(stdin)
	code := Main(m.t.Context(), slices.Insert(args, 2, "--server", m.url), std)
	out, errs = std.Out.(*bytes.Buffer).String(), std.Err.(*bytes.Buffer).String()
	if code != want {
		m.t.Fatalf("%v: exit code %d, want %d\n%s%s", args, code, want, out, errs)
	}
	return out, errs
}

func nthUUID(n int) string { return fmt.Sprintf("019394ef-7d0a-8c3e-8caa-%012x", n) }

func vconLine(n int) string {
	return fmt.Sprintf(`{"uuid":%q, "created_at":"2026-11-02T%02d:%02d:00Z","subject":"call %d","x":1.0e2}`, nthUUID(n), n/60, n%60, n)
}

func vconLines(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		b.WriteString(vconLine(n) + "\n")
	}
	return b.String()
}

func (m *moved) file(text string) string {
	m.t.Helper()
	name := filepath.Join(m.t.TempDir(), "in.jsonl")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return name
}

// What is imported is exported as it was, oldest first, and from any place on.
func TestImportExport(t *testing.T) {
	t.Parallel()
	m := newMoved(t)
	text := vconLines(0, 250)
	out, _ := m.run(0, "vcon", "import", m.file(text))
	if out != "imported 250\n" {
		t.Errorf("import says %q", out)
	}
	out, errs := m.run(0, "vcon", "export")
	if out != text || !strings.Contains(errs, "exported 250") {
		t.Errorf("exported %d bytes of %d; %s", len(out), len(text), errs)
	}
	if out, _ = m.run(0, "vcon", "export", "--after", nthUUID(99)); out != vconLines(100, 250) {
		t.Errorf("from the middle on: %.300s", out)
	}
	out, _ = m.run(0, "vcon", "export", "--since", "2026-11-02T00:10:00Z", "--until", "2026-11-02T00:19:00Z")
	if out != vconLines(10, 20) {
		t.Errorf("of ten minutes: %s", out)
	}
	m.run(1, "vcon", "export", "--after", nthUUID(999))
	m.run(2, "vcon", "export", "--after", "x")
}

// A document with line breaks is one line, and nothing else of it changes.
func TestExportIsOneLineEach(t *testing.T) {
	t.Parallel()
	m := newMoved(t)
	text := "{\r\n  \"uuid\": \"" + nthUUID(1) + "\",\n  \"subject\": \"a\\nb\", \"x\": 1.0e2\n}\n"
	name := m.file(text)
	m.run(0, "vcon", "submit", name)
	out, _ := m.run(0, "vcon", "export")
	want := "{    \"uuid\": \"" + nthUUID(1) + "\",   \"subject\": \"a\\nb\", \"x\": 1.0e2 }"
	if strings.TrimRight(out, " \n") != want || strings.Count(out, "\n") != 1 {
		t.Errorf("%q, want %q", out, want)
	}
}

func TestImportReportsBadLines(t *testing.T) {
	t.Parallel()
	m := newMoved(t)
	name := m.file(vconLine(0) + "\n\n{\"uuid\":\n" + vconLine(1) + "\r\n[]\n" + vconLine(2))
	out, errs := m.run(1, "vcon", "import", name)
	for _, want := range []string{"line 3: ", "line 5: ", "2 lines were not taken"} {
		if !strings.Contains(errs, want) {
			t.Errorf("does not say %q: %s", want, errs)
		}
	}
	if out != "imported 3\n" || strings.Contains(errs, "line 4") {
		t.Errorf("%s%s", out, errs)
	}
	if _, err := os.Stat(name + ".import"); !os.IsNotExist(err) {
		t.Errorf("notes are left of an import that is done: %v", err)
	}
	_, errs = m.run(1, "vcon", "import", "--strict", name)
	if !strings.Contains(errs, "line 3: ") || !strings.Contains(errs, "lines up to 2 are done; --resume") {
		t.Errorf("strict: %s", errs)
	}
	if err := os.WriteFile(name, []byte(vconLine(0)+"\n\n"+vconLine(3)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ := m.run(0, "vcon", "import", "--resume", name); out != "imported 2\n" {
		t.Errorf("after the line was mended: %q", out)
	}
}

// A document that the server refuses, and its client would not, is named too; its neighbours are stored.
func TestImportReportsRefusals(t *testing.T) {
	t.Parallel()
	m := newMoved(t)
	_, errs := m.run(2, "vcon", "import", "-", "--resume")
	if !strings.Contains(errs, "standard input") {
		t.Error(errs)
	}
	text := vconLine(0) + "\n" + vconLine(1) + "\n"
	_, errs = m.feed(1, text, "vcon", "import", "-", "--list", "vcon:x")
	if !strings.Contains(errs, "line 1: ") || !strings.Contains(errs, "line 2: ") || !strings.Contains(errs, "ingress_list") {
		t.Errorf("a list that cannot be: %s", errs)
	}
	out, _ := m.feed(0, text+vconLine(0)+"\n"+strings.Replace(vconLine(0), "call", "again", 1), "vcon", "import", "-")
	if out != "imported 4\n" {
		t.Errorf("one uuid three times: %s", out)
	}
	if out, _ = m.run(0, "vcon", "get", nthUUID(0)); !strings.Contains(out, "again") {
		t.Errorf("the last one does not count: %s", out)
	}
}

// An answer that is lost stops the import. --resume goes on, and what was stored meanwhile is not queued twice.
func TestImportResumes(t *testing.T) {
	t.Parallel()
	m := newMoved(t)
	name := m.file("")
	packed, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	zw := gzip.NewWriter(packed)
	if _, err := zw.Write([]byte(vconLines(0, 350))); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	m.cutFrom.Store(3)
	_, errs := m.run(1, "vcon", "import", name, "--list", "calls")
	if !strings.Contains(errs, "lines up to 200 are done; --resume") {
		t.Errorf("interrupted: %s", errs)
	}
	m.cutFrom.Store(0)
	if _, errs = m.run(2, "vcon", "import", name, "--list", "calls"); !strings.Contains(errs, "--resume") {
		t.Errorf("begun anew: %s", errs)
	}
	m.run(2, "vcon", "import", name, "--resume", "--list", "others")
	if out, _ := m.run(0, "vcon", "import", name, "--resume", "--list", "calls"); out != "imported 350\n" {
		t.Errorf("resumed: %s", out)
	}
	m.depth("calls", 350)
	if out, _ := m.run(0, "vcon", "import", name, "--resume", "--list", "calls"); out != "imported 350\n" {
		t.Errorf("--resume of what is done: %s", out)
	}
}

// depth checks how many ids wait on a list.
func (m *moved) depth(list string, want int) {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, m.url+"/stats/queue?list_name="+list, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil || !strings.Contains(b.String(), fmt.Sprintf(`"depth":%d}`, want)) {
		m.t.Errorf("%s, %v; want %d", &b, err, want)
	}
}

func TestImportOfAnotherFile(t *testing.T) {
	t.Parallel()
	m := newMoved(t)
	name := m.file(vconLines(0, 150) + "x\n")
	m.run(1, "vcon", "import", name, "--strict")
	if err := os.WriteFile(name, []byte(vconLines(1, 151)+"x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs := m.run(1, "vcon", "import", name, "--resume"); !strings.Contains(errs, "not those of this file any more") {
		t.Error(errs)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	m := newMoved(t)
	m.feed(0, vconLines(0, 120), "vcon", "import", "-")
	out, _ := m.run(0, "vcon", "search", "call")
	if ids := strings.Fields(out); len(ids) != 120 || ids[0] != nthUUID(119) || ids[119] != nthUUID(0) {
		t.Errorf("%d ids, %.80s", len(ids), out)
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{nthUUID(17) + "\n", []string{`"call 17"`}},
		{nthUUID(17) + "\n", []string{"call", "17"}},
		{"[\"" + nthUUID(17) + "\"]\n", []string{"--json", "call 17"}},
		{nthUUID(119) + "\n", []string{"call", "--limit", "1"}},
		{nthUUID(118) + "\n", []string{"11* -110 -111 -112 -113 -114 -115 -116 -117 -119 -11"}},
		{"", []string{"call", "--name", "Ann"}},
		{"[]\n", []string{"--json", "nothing"}},
	} {
		if out, _ := m.run(0, append([]string{"vcon", "search"}, c.args...)...); out != c.want {
			t.Errorf("%v: %q, want %q", c.args, out, c.want)
		}
	}
	m.run(2, "vcon", "search")
	m.run(2, "vcon", "search", "x", "--limit", "-1")
	if _, errs := m.run(1, "vcon", "search", "--", "-call"); !strings.Contains(errs, "no word to look for") {
		t.Error(errs)
	}
}
