package chaintest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

var update = flag.Bool("update", false, "write the expected files of golden pairs anew")

// OpenLink makes a link from its options (an object), and says what it is granted.
type OpenLink func(options json.RawMessage) (chain.Link, hostabi.Grants, error)

// Way is another way to run the same link, as a guest for one.
type Way struct {
	Name string
	Open OpenLink
}

// Link runs a link over golden pairs: every folder below dir holds in.json (the vCon) and out.json (the vCon
// afterwards, byte for byte), effects.json (verdict, error, and what was asked for outside the document), and may hold
// options.json and http.json: the answers that its requests get, in order per URL; without one, 200 and no body.
// Each case runs twice and must come to the same, and so must all other ways to run it. With -update the expected files
// are written, from what the first way gives.
func Link(t *testing.T, dir string, open OpenLink, others ...Way) {
	t.Helper()
	cases, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			golden(t, filepath.Join(dir, c.Name()), open, others)
		})
	}
}

func golden(t *testing.T, dir string, open OpenLink, others []Way) {
	r := runner{options: optional(t, dir, "options.json", "{}")}
	if err := json.Unmarshal(optional(t, dir, "http.json", "[]"), &r.answers); err != nil {
		t.Fatalf("http.json: %v", err)
	}
	doc, err := vcon.Parse(mustRead(t, dir, "in.json"))
	if err != nil {
		t.Fatalf("in.json: %v", err)
	}
	got := r.run(t, doc, open)
	r.run(t, doc, open).mustBe(t, "a second run", got)
	for _, other := range others {
		r.run(t, doc, other.Open).mustBe(t, other.Name, got)
	}
	if *update {
		got.write(t, dir)
		return
	}
	got.mustBe(t, "the run", outcome{mustRead(t, dir, "out.json"), mustRead(t, dir, "effects.json")})
}

// outcome is what a run leaves.
type outcome struct {
	document []byte
	effects  []byte // as effects.json has them
}

// mustBe fails the test when another outcome is wanted.
func (o outcome) mustBe(t testing.TB, what string, want outcome) {
	t.Helper()
	if !bytes.Equal(o.document, want.document) {
		t.Errorf("%s: out.json: got\n%s\nwant\n%s", what, o.document, want.document)
	}
	if !bytes.Equal(o.effects, want.effects) {
		t.Errorf("%s: effects.json: got\n%s\nwant\n%s", what, o.effects, want.effects)
	}
}

func (o outcome) write(t *testing.T, dir string) {
	t.Helper()
	for name, data := range map[string][]byte{"out.json": o.document, "effects.json": o.effects} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func mustRead(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func optional(t *testing.T, dir, name, otherwise string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return []byte(otherwise)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// effects is what effects.json holds.
type effects struct {
	Verdict    string    `json:"verdict"`
	Error      string    `json:"error,omitempty"`
	RetryAfter string    `json:"retry_after,omitempty"`
	Routes     []string  `json:"routes,omitempty"`
	Expire     string    `json:"expire,omitempty"`
	Creates    []created `json:"creates,omitempty"`
	Requests   []request `json:"requests,omitempty"`
	Log        []string  `json:"log,omitempty"`
	Metrics    []string  `json:"metrics,omitempty"`
}

type created struct {
	Text    string   `json:"text"`
	Lists   []string `json:"lists,omitempty"`
	Current bool     `json:"current,omitempty"`
}

// request is one that a link sent. Its Idempotency-Key is left out: it is the host's.
type request struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
}

var verdicts = map[hostabi.Verdict]string{hostabi.Done: "done", hostabi.Halt: "halt", hostabi.Retry: "retry", hostabi.NoChange: "no change"}

// maxTime ends a run that does not end.
const maxTime = 30 * time.Second

// runner runs links with the same options and the same answers to what they send.
type runner struct {
	options []byte
	answers []answer
}

func (r runner) run(t testing.TB, doc *vcon.VCon, open OpenLink) outcome {
	t.Helper()
	link, grants, err := open(r.options)
	if err != nil {
		return outcome{doc.Bytes(), encode(t, effects{Verdict: "options refused", Error: err.Error()})}
	}
	defer link.Close(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), maxTime)
	defer cancel()
	var e effects
	net := &scripted{answers: r.answers}
	call := hostabi.New(ctx, hostabi.Options{
		Doc: doc.Draft(), Link: "link", Chain: "chain", List: "list", Step: "link#1", Config: r.options, Grants: grants, HTTP: net, KV: &KV{},
		Log: func(level int, line string) { e.Log = append(e.Log, fmt.Sprintf("%d %s", level, line)) },
		Metric: func(kind int, name string, v float64) {
			e.Metrics = append(e.Metrics, fmt.Sprintf("%d %s %v", kind, name, v))
		},
	})
	defer call.Close()
	verdict, err := link.Run(ctx, call)
	if _, named := verdicts[verdict]; !named && err == nil || named && verdict != hostabi.Retry && err != nil {
		t.Fatalf("verdict %d with error %v", verdict, err)
	}
	e.fill(verdict, err, call)
	e.Requests = net.sent
	return outcome{kept(t, doc, verdict, call), encode(t, e)}
}

func (e *effects) fill(verdict hostabi.Verdict, err error, call *hostabi.Call) {
	e.Verdict = "failed"
	if name, ok := verdicts[verdict]; ok {
		e.Verdict = name
	}
	if err != nil {
		e.Error = err.Error()
	}
	if d, ok := call.RetryDelay(); ok {
		e.RetryAfter = d.String()
	}
	asked := call.Effects()
	e.Routes = asked.Routes
	if asked.Expire != nil {
		e.Expire = asked.Expire.String()
	}
	for _, c := range asked.Creates {
		e.Creates = append(e.Creates, created{string(c.Text), c.Lists, c.Current})
	}
}

// kept is the document after a run: with the edits of one that was done or halted, otherwise as it was.
func kept(t testing.TB, doc *vcon.VCon, verdict hostabi.Verdict, call *hostabi.Call) []byte {
	t.Helper()
	if verdict != hostabi.Done && verdict != hostabi.Halt {
		return doc.Bytes()
	}
	next, err := call.Staged()
	if err != nil {
		t.Fatalf("the edits give no vCon: %v", err)
	}
	return next.Bytes()
}

func encode(t testing.TB, e effects) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(e); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// answer is one of http.json.
type answer struct {
	URL     string            `json:"url"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Error   string            `json:"error"` // no answer: "timeout", or any other network error
}

// scripted answers requests as http.json says. What leaves is checked by the rules of a real policy.
type scripted struct {
	answers []answer
	sent    []request
}

// Do answers one request.
func (s *scripted) Do(_ context.Context, p outbound.Policy, r *outbound.Request) (*outbound.Response, error) {
	if err := p.Match(r.Method, r.URL); err != nil {
		return nil, err
	}
	got := request{Method: r.Method, URL: r.URL, Headers: map[string]string{}}
	for name, values := range r.Header {
		if name != "Idempotency-Key" {
			got.Headers[name] = strings.Join(values, ", ")
		}
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		got.Body = string(body)
	}
	s.sent = append(s.sent, got)
	answer, err := s.next(r.URL)
	if err == nil && r.Sink != nil && answer.Status/100 == 2 {
		_, err = r.Sink.Write(answer.Body)
		answer.Body = nil
	}
	return answer, err
}

func (s *scripted) next(url string) (*outbound.Response, error) {
	i := slices.IndexFunc(s.answers, func(a answer) bool { return a.URL == url })
	if i < 0 {
		return &outbound.Response{Status: http.StatusOK, Header: http.Header{}}, nil
	}
	a := s.answers[i]
	s.answers = slices.Delete(slices.Clone(s.answers), i, i+1)
	switch a.Error {
	case "":
	case "timeout":
		return nil, context.DeadlineExceeded
	default:
		return nil, errors.New(a.Error)
	}
	header := http.Header{}
	for name, value := range a.Headers {
		header.Set(name, value)
	}
	return &outbound.Response{Status: a.Status, Header: header, Body: []byte(a.Body)}, nil
}

// awkward documents are what links meet in the field.
var awkward = []string{
	`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"}`,
	`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","attachments":null,"analysis":null,"dialog":null,"parties":null}`,
	`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","attachments":{},"analysis":"x","dialog":1,"parties":true}`,
	`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","attachments":[null,1,[],{"type":"tags"},{"purpose":"tags","body":"[1,{\"a\":2}"},{"type":"tags","body":{"a":["b"]}}]}`,
	`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","attachments":[{"type":"tags","encoding":"none","body":["a:b","c"]}],"attachments":[]}`,
	`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","dialog":[{"type":"text","body":"\ud800","n":1e400}],"group":[],"redacted":{}}`,
	`{"payload":"eyJ1dWlkIjoiMDE4ZTNmNWMtNmYxYS04YjJjLTlkM2UtNGY1YTZiN2M4ZDllIn0","signatures":[{"signature":"AA"}]}`,
	`{"unprotected":{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e"},"ciphertext":"AA","recipients":[{}]}`,
}

// FuzzLink runs a link over any vCon that the fuzzer finds: it must come to an end without a panic, what it leaves must
// be a vCon of the same uuid, and all ways to run it must leave the same. Without -fuzz it runs over awkward documents
// alone.
func FuzzLink(f *testing.F, options json.RawMessage, open OpenLink, others ...Way) {
	f.Helper()
	for _, text := range awkward {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := vcon.ParseWith(bytes.Clone(in), vcon.Limits{Bytes: 1 << 20})
		if err != nil {
			return
		}
		r := runner{options: options}
		got := r.run(t, doc, open)
		out, err := vcon.Parse(bytes.Clone(got.document))
		if err != nil || out.ID() != doc.ID() {
			t.Fatalf("left behind: %v", err)
		}
		for _, other := range others {
			r.run(t, doc, other.Open).mustBe(t, other.Name, got)
		}
	})
}
