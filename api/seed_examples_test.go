package api

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/internal/testenv"
)

// partners are the keys of the README's own configuration, and those that its examples name.
func partners() Settings {
	key := func(plain string) IngressKey { return IngressKey{Hash: config.HashKey(plain)} }
	return Settings{
		RootPath: "/api",
		Keys: []Key{
			{Name: "token", Hash: config.HashKey("YOUR_MAIN_API_TOKEN"), Scopes: []string{ScopeAll}},
			{Name: "token", Hash: config.HashKey("YOUR_API_TOKEN"), Scopes: []string{ScopeAll}},
		},
		Ingress: map[string]IngressList{
			"customer_data": {Keys: []IngressKey{key("customer-api-key-12345")}},
			"support_calls": {Keys: []IngressKey{key("support-api-key-67890"), key("support-client-2-key"), key("support-vendor-key-xyz")}},
			"partner_data":  {Keys: []IngressKey{key("PARTNER_SPECIFIC_API_TOKEN")}},
		},
	}
}

// example reads a file of testdata/seed with the host replaced.
func example(t *testing.T, name, url string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "seed", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "https://your-domain.com", url)
}

// program runs a program in its own folder and gives what it printed.
func program(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CURL_HOME="+dir, "NO_PROXY=*", "no_proxy=*")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, stderr.String())
	}
	return string(out)
}

// expectDepth checks how many ids wait on a list.
func expectDepth(t *testing.T, s *Server, list string, want int64) {
	t.Helper()
	d, err := s.store.Depth(t.Context(), list)
	if err != nil || d.Ready != want {
		t.Errorf("list %s: %d wait, want %d (%v)", list, d.Ready, want, err)
	}
}

func TestSeedCurl(t *testing.T) {
	t.Parallel()
	testenv.Program(t, "curl", "apt-get install curl")
	s := New(Options{Store: open(t), Settings: partners()})
	url := listenTCP(t, s)
	dir := t.TempDir()
	// The examples print nothing of the status; curl's own settings file makes them.
	write(t, dir, ".curlrc", "silent\nshow-error\nwrite-out = \"%{http_code}\\n\"\n")
	write(t, dir, "vcon_data.json", doc(`"parties":[{"name":"Ann"}]`))
	for _, tt := range []struct{ name, want string }{
		{"endpoint.sh", "{\"detail\":\"Not Found\"}404\n"},
		{"single.sh", "204\n"},
		{"single.sh", "204\n"}, // again: a retry
		{"multiple.sh", "204\n204\n"},
	} {
		if got := program(t, dir, "sh", "-c", example(t, tt.name, url)); got != tt.want {
			t.Errorf("%s: printed %q, want %q", tt.name, got, tt.want)
		}
	}
	expectDepth(t, s, "customer_data", 2) // without queue.dedupe each counts
	expectDepth(t, s, "support_calls", 2)

	wrong := strings.ReplaceAll(example(t, "single.sh", url), "customer-api-key-12345", "wrong")
	if got := program(t, dir, "sh", "-c", wrong); got != `{"detail":"Invalid API Key for ingress list 'customer_data'"}403`+"\n" {
		t.Errorf("wrong key: printed %q", got)
	}
	incomplete := strings.ReplaceAll(example(t, "single.sh", url), `"uuid": "123e4567-e89b-12d3-a456-426614174000",`, "")
	if got := program(t, dir, "sh", "-c", incomplete); got != `{"detail":[{"loc":["body","uuid"],"msg":"field required","type":"value_error.missing"}]}422`+"\n" {
		t.Errorf("without uuid: printed %q", got)
	}
}

// The README also shows requests as plain text.
func TestSeedRequests(t *testing.T) {
	t.Parallel()
	s := New(Options{Store: open(t), Settings: partners()})
	url := listenTCP(t, s)
	for _, tt := range []struct {
		name, list string
		status     int
	}{
		{"standard.http", "my_ingress", 201},
		{"external.http", "partner_data", 204},
	} {
		head, body, _ := strings.Cut(strings.ReplaceAll(example(t, tt.name, url), "[...]", "[]"), "\n\n")
		first, headers, _ := strings.Cut(head, "\n")
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: a\r\n%s\r\nContent-Length: %d\r\n\r\n%s", first, strings.ReplaceAll(headers, "\n", "\r\n"), len(body), body)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != tt.status {
			t.Errorf("%s: %v %v, want %d", tt.name, resp, err, tt.status)
		}
		expectDepth(t, s, tt.list, 1)
	}
}

func TestSeedPython(t *testing.T) {
	t.Parallel()
	python := withRequests(t, testenv.Program(t, "python3", "apt-get install python3"))
	s := New(Options{Store: open(t), Settings: partners()})
	url := listenTCP(t, s)
	script := "my_vcon = " + doc(`"parties":[]`) + "\n" + example(t, "partner.py", url) + "\nprint(json.dumps(result))\n"
	if got := program(t, t.TempDir(), python, "-c", script); got != "{\"success\": true}\n" {
		t.Errorf("printed %q", got)
	}
	script = strings.Replace(script, "customer-api-key-12345", "wrong", 1)
	if got := program(t, t.TempDir(), python, "-c", script); got != `{"success": false, "error": {"detail": "Invalid API Key for ingress list 'customer_data'"}}`+"\n" {
		t.Errorf("wrong key: printed %q", got)
	}
	expectDepth(t, s, "customer_data", 1)
}

// withRequests is a Python that has the package requests.
func withRequests(t *testing.T, python string) string {
	t.Helper()
	if exec.CommandContext(t.Context(), python, "-c", "import requests").Run() == nil {
		return python
	}
	if !testenv.MayInstall() {
		testenv.Missing(t, "python package requests", "pip install requests")
	}
	venv := filepath.Join(t.TempDir(), "venv")
	program(t, ".", python, "-m", "venv", venv)
	python = filepath.Join(venv, "bin", "python")
	program(t, ".", python, "-m", "pip", "install", "--quiet", "requests")
	return python
}

func TestSeedNode(t *testing.T) {
	t.Parallel()
	node := testenv.Program(t, "node", "install Node.js 18 or newer")
	s := New(Options{Store: open(t), Settings: partners()})
	url := listenTCP(t, s)
	script := fmt.Sprintf("%s\nsubmitVconToIngress(%s, 'customer_data', 'customer-api-key-12345', %q).then(r => console.log(JSON.stringify(r)));\n",
		example(t, "partner.js", url), doc(`"parties":[]`), url)
	if got := program(t, t.TempDir(), node, "-e", script); got != "{\"success\":true}\n" {
		t.Errorf("printed %q", got)
	}
	script = strings.Replace(script, "customer-api-key-12345", "wrong", 1)
	if got := program(t, t.TempDir(), node, "-e", script); got != `{"success":false,"error":{"detail":"Invalid API Key for ingress list 'customer_data'"}}`+"\n" {
		t.Errorf("wrong key: printed %q", got)
	}
	expectDepth(t, s, "customer_data", 1)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
