package wasm

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/internal/guesttest"
	"github.com/vconduit/vconduit/vcon"
)

// engine is shared by the tests: engines are made for that.
var engine = sync.OnceValues(func() (*Engine, error) { return NewEngine(EngineOptions{}) })

func compile(t testing.TB, module []byte, interpreter bool) *Module {
	t.Helper()
	e, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Compile(t.Context(), module, interpreter)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(t.Context()); err != nil {
			t.Errorf("close the module: %v", err)
		}
	})
	return m
}

// open makes a link of a module in the text format.
func open(t testing.TB, text string, o LinkOptions) *Link {
	t.Helper()
	l, err := NewLink(compile(t, guesttest.WAT(t, text), false), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const conversation = `{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","subject":"Billing","parties":[{"tel":"+1"}],"dialog":[]}`

// run is one run of a link and what it came to.
type run struct {
	call    *hostabi.Call
	verdict hostabi.Verdict
	err     error
	lines   []string
}

// options are those of a call that is granted what links are by default.
func (r *run) options(t testing.TB) hostabi.Options {
	t.Helper()
	doc, err := vcon.Parse([]byte(conversation))
	if err != nil {
		t.Fatal(err)
	}
	return hostabi.Options{
		Doc: doc.Draft(), Link: "guest", Chain: "main", List: "calls", Attempt: 2, Config: json.RawMessage(`{"a":1}`),
		Grants: hostabi.Grants{Read: hostabi.Paths{All: true}, Write: hostabi.Paths{Allow: []string{"/analysis/-", "/subject"}}, Tags: true},
		Log:    func(_ int, line string) { r.lines = append(r.lines, line) },
	}
}

// over runs a link over the conversation; change may set other options.
func over(t testing.TB, l *Link, change func(*hostabi.Options)) *run {
	t.Helper()
	r := &run{}
	o := r.options(t)
	if change != nil {
		change(&o)
	}
	r.call = hostabi.New(t.Context(), o)
	t.Cleanup(r.call.Close)
	r.verdict, r.err = l.Run(t.Context(), r.call)
	return r
}

// document is the text after the run.
func (r *run) document(t testing.TB) string {
	t.Helper()
	doc, err := r.call.Staged()
	if err != nil {
		t.Fatal(err)
	}
	return string(doc.Bytes())
}
