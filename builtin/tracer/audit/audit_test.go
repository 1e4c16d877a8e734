package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

func TestTracer(t *testing.T) {
	t.Parallel()
	chaintest.Tracer(t, chaintest.TracerCase{
		Open: Open("unused"),
		Options: func(t *testing.T) json.RawMessage {
			return json.RawMessage(fmt.Sprintf(`{"path":%q,"keep":"24h","dlq_vcon_on_error":true}`, t.TempDir()))
		},
		Bad: map[string]string{`{"path":[]}`: "path", `{"keep":"soon"}`: "keep", `{"keep":-1}`: "keep", `{"max_size":5}`: "max_size"},
		Wrote: func(t *testing.T, options json.RawMessage) string {
			dir := FolderOf(options, "")
			checkWhole(t, dir)
			return string(readAll(t, dir))
		},
	})
}

// readAll is the text of every file.
func readAll(t testing.TB, dir string) []byte {
	t.Helper()
	var all []byte
	if err := eachFile(dir, func(_ string, text []byte, _ bool) { all = append(all, text...) }); err != nil {
		t.Fatal(err)
	}
	return all
}

func checkWhole(t testing.TB, dir string) Report {
	t.Helper()
	r, err := Verify(dir, Head{})
	if err != nil || len(r.Problems) > 0 || r.Torn {
		t.Errorf("the log is not whole: %+v, %v", r, err)
	}
	return r
}

// open opens a log with small files.
func open(t testing.TB, c Config, size int64) *log {
	t.Helper()
	l, err := openLog(c, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.close() })
	return l
}

func event(doc *vcon.VCon, index int) chain.Event {
	e := chain.Event{ID: doc.ID(), Chain: "c", List: "in", Index: index, In: doc, Out: doc, Outcome: chain.OutcomeDone, Began: time.Unix(0, 0)}
	if index >= 0 {
		e.Link, e.Step = "l", fmt.Sprintf("l#%d", index+1)
	}
	return e
}

// put appends n records of a vCon.
func put(t testing.TB, l *log, doc *vcon.VCon, n int) {
	t.Helper()
	for i := range n {
		if err := l.append(doc.ID(), traceOf(event(doc, i))); err != nil {
			t.Fatal(err)
		}
	}
}

// A vCon's chain goes on over files, over closing and opening, with and without indexes.
func TestChainGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	docs := []*vcon.VCon{chaintest.Document(t, ""), chaintest.Document(t, ""), chaintest.Document(t, "")}
	for round := range 6 {
		l := open(t, Config{Path: dir}, 2000)
		put(t, l, docs[round%3], 5)
		if err := l.close(); err != nil {
			t.Fatal(err)
		}
		if round == 3 {
			indexes, _ := filepath.Glob(filepath.Join(dir, "*"+indexSuffix))
			if len(indexes) < 2 {
				t.Fatalf("%d indexes", len(indexes))
			}
			for i, path := range indexes {
				if i%2 == 0 {
					os.Remove(path)
				} else if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if r := checkWhole(t, dir); r.Records != 30 || r.VCons != 3 || r.Head != 30 || r.First != 1 {
		t.Errorf("%+v", r)
	}
	for _, doc := range docs {
		entries, problems, err := Of(dir, doc.ID())
		if err != nil || len(problems) > 0 || len(entries) != 10 || entries[9].Seq != 10 {
			t.Errorf("%d entries, %v, %v", len(entries), problems, err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, Config{Path: dir}, 20_000)
	var wg sync.WaitGroup
	for range 16 {
		doc := chaintest.Document(t, "")
		wg.Go(func() {
			for i := range 20 {
				if err := errors.Join(l.append(doc.ID(), traceOf(event(doc, i))), l.flush()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if r := checkWhole(t, dir); r.Records != 320 || r.VCons != 16 {
		t.Errorf("%+v", r)
	}
}

func TestOneWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, Config{Path: dir}, fileSize)
	if _, err := openLog(Config{Path: dir}, fileSize); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second writer: %v", err)
	}
	l.close()
	open(t, Config{Path: dir}, fileSize)
}

// Whatever a crash leaves of the last line is cut away and told; everything before it stays.
func TestTornLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	doc := chaintest.Document(t, "")
	l := open(t, Config{Path: dir}, fileSize)
	put(t, l, doc, 2)
	l.close()
	path := filepath.Join(dir, nameOf(1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second := bytes.IndexByte(whole, '\n') + 1
	for cut := second + 1; cut < len(whole); cut += 13 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, nameOf(1)), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := Verify(dir, Head{}); err != nil || !r.Torn || r.Records != 1 || len(r.Problems) > 0 {
			t.Fatalf("cut at %d, before opening: %+v, %v", cut, r, err)
		}
		l := open(t, Config{Path: dir}, fileSize)
		put(t, l, doc, 1)
		l.close()
		if r := checkWhole(t, dir); r.Mended != 1 || r.Records != 3 {
			t.Fatalf("cut at %d: %+v", cut, r)
		}
		if entries, _, _ := Of(dir, doc.ID()); len(entries) != 2 || entries[1].Seq != 2 {
			t.Fatalf("cut at %d: %d entries", cut, len(entries))
		}
	}
}

// A new file may be there and still be empty after a crash.
func TestEmptyNewFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	doc := chaintest.Document(t, "")
	l := open(t, Config{Path: dir}, fileSize)
	put(t, l, doc, 3)
	l.close()
	if err := os.WriteFile(filepath.Join(dir, nameOf(4)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, Config{Path: dir}, fileSize)
	put(t, l, doc, 1)
	l.close()
	if r := checkWhole(t, dir); r.Records != 4 || r.Head != 4 {
		t.Errorf("%+v", r)
	}
}

func TestTooManyThingsAreOmitted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, Config{Path: dir}, fileSize)
	doc := chaintest.Document(t, "")
	draft := doc.Draft()
	for i := range 3 * maxItems {
		if err := draft.Set(fmt.Sprintf("/x%d%s", i, strings.Repeat("é", 1000)), []byte(`1`)); err != nil {
			t.Fatal(err)
		}
	}
	e := event(doc, 0)
	e.Edits = draft.Edits()
	for i := range 2 * maxItems {
		e.Effects.Creates = append(e.Effects.Creates, chain.Created{ID: doc.ID(), Lists: strings.Split(strings.Repeat("list,", 50+i%2), ",")})
	}
	if err := l.append(doc.ID(), traceOf(e)); err != nil {
		t.Fatal(err)
	}
	l.close()
	entries, problems, err := Of(dir, doc.ID())
	if err != nil || len(problems) > 0 || len(entries) != 1 || len(entries[0].Edits) != maxItems || entries[0].Omitted < 3*maxItems {
		t.Fatalf("%d entries, %v, %v", len(entries), problems, err)
	}
}

func TestKeepAndSize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	doc := chaintest.Document(t, "")
	l := open(t, Config{Path: dir, MaxSize: 6000}, 2000)
	put(t, l, doc, 40)
	l.close()
	r := checkWhole(t, dir)
	if n := len(readAll(t, dir)); n > 9000 || r.First == 1 || r.Head != 40 {
		t.Errorf("%d bytes are kept: %+v", n, r)
	}
	if entries, problems, err := Of(dir, doc.ID()); err != nil || len(problems) > 0 || len(entries) != r.Records {
		t.Errorf("%d entries, %v, %v", len(entries), problems, err)
	}
	names, err := fileNames(dir)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, names[0]), old, old); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Path: dir, Keep: time.Hour}, 2000)
	left, err := fileNames(dir)
	if err != nil || len(left) != len(names)-1 {
		t.Errorf("after keep: %v of %v, %v", left, names, err)
	}
	if indexes, _ := filepath.Glob(filepath.Join(dir, "*"+indexSuffix)); len(indexes) != len(left)-1 {
		t.Errorf("indexes %v", indexes)
	}
}

// A disk that takes nothing is an error that may pass; the log is whole afterwards.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	doc := chaintest.Document(t, "")
	tr := &Tracer{open(t, Config{Path: dir}, fileSize)}
	if err := errors.Join(tr.Trace(t.Context(), event(doc, 0)), tr.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	good := tr.log.file
	readOnly, err := os.Open(good.Name())
	if err != nil {
		t.Fatal(err)
	}
	tr.log.file = readOnly
	for range 2 {
		if err := tr.Trace(t.Context(), event(doc, 1)); err == nil || !chain.Retryable(err) {
			t.Errorf("a record that cannot be written: %v", err)
		}
	}
	if err := tr.Flush(t.Context()); err != nil {
		t.Errorf("flush of what is durable: %v", err)
	}
	checkWhole(t, dir)
	tr.log.file = good
	if err := tr.Trace(t.Context(), event(doc, 1)); err != nil {
		t.Error(err)
	}
	readOnly.Close()
	tr.log.file = readOnly
	for range 2 {
		if err := tr.Flush(t.Context()); err == nil || !chain.Retryable(err) {
			t.Errorf("a record that cannot be made durable: %v", err)
		}
	}
	if err := tr.Trace(t.Context(), event(doc, 2)); err == nil {
		t.Error("a record is taken behind one that may be lost")
	}
	tr.log.file = good
}
