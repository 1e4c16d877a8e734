package log

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
)

// book keeps what is logged.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestTracer(t *testing.T) {
	t.Parallel()
	var b book
	chaintest.Tracer(t, chaintest.TracerCase{
		Open:    Open(slog.New(slog.NewJSONHandler(&b, nil))),
		Options: func(*testing.T) json.RawMessage { return json.RawMessage(`{"level":"warn"}`) },
		Bad:     map[string]string{`{"level":"loud"}`: "level", `{"level":["info"]}`: "level", `[]`: "object", `{"dlq_vcon_on_error":"maybe"}`: "dlq_vcon_on_error"},
		Wrote:   func(*testing.T, json.RawMessage) string { return b.String() },
	})
}

// A line tells origins and no paths, and is only made at its level.
func TestLines(t *testing.T) {
	t.Parallel()
	doc := chaintest.Document(t, "")
	e := chain.Event{ID: doc.ID(), In: doc, Out: doc, Outcome: chain.OutcomeDone, Link: "a", Requests: []hostabi.Request{
		{URL: "https://api.example/token-in-path"}, {URL: "https://api.example/other"}, {URL: ""}}}
	for level, want := range map[string]bool{"info": true, "debug": false, "ERROR": true} {
		var b book
		tr, err := Open(slog.New(slog.NewJSONHandler(&b, nil)))(context.Background(), "t", json.RawMessage(`{"level":"`+level+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Trace(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		line := b.String()
		if (line != "") != want || strings.Contains(line, "token-in-path") {
			t.Errorf("%s: %q", level, line)
		}
		if want && (!strings.Contains(line, `"http":["https://api.example"]`) || !strings.Contains(line, `"level":"`+strings.ToUpper(level)+`"`)) {
			t.Errorf("%s: %q", level, line)
		}
	}
}
