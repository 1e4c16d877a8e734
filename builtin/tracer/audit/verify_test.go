package audit

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/runtime/chain/chaintest"
)

// forge gives a line with another N or text and a sum that fits.
func forge(t *testing.T, line []byte, change func(*Record)) []byte {
	t.Helper()
	r, _, err := ParseRecord(line)
	if err != nil {
		t.Fatal(err)
	}
	change(&r)
	forged, _, err := encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return forged
}

// Whatever is done to the log, with sums that fit or without, is found at its first place.
func TestTampering(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, Config{Path: dir}, fileSize)
	a, b := chaintest.Document(t, ""), chaintest.Document(t, "")
	put(t, l, a, 2)
	put(t, l, b, 2)
	put(t, l, a, 2)
	l.close()
	var whole [][]byte
	for line := range lines(readAll(t, dir)) {
		whole = append(whole, line)
	}
	noted := Head{N: 6}
	_, noted.Sum, _ = cutSum(whole[5])
	pick := func(order ...int) (all [][]byte) {
		for _, i := range order {
			all = append(all, whole[i])
		}
		return all
	}
	with := func(at int, line []byte) [][]byte {
		all := pick(0, 1, 2, 3, 4, 5)
		all[at] = line
		return all
	}
	for name, c := range map[string]struct {
		lines [][]byte
		at    int // line of the first problem; 0: the log as a whole
		ofA   bool
	}{
		"changed":                      {with(1, bytes.Replace(whole[1], []byte(`"done"`), []byte(`"halt"`), 1)), 2, true},
		"changed, its sum too":         {with(1, forge(t, whole[1], func(r *Record) { r.Outcome = "halt" })), 3, true},
		"another's changed":            {with(2, forge(t, whole[2], func(r *Record) { r.Outcome = "halt" })), 4, false},
		"cut in two":                   {with(2, whole[2][:40]), 3, false},
		"no record":                    {with(2, []byte("hello")), 3, false},
		"one removed":                  {pick(0, 2, 3, 4, 5), 2, true},
		"the first removed":            {pick(1, 2, 3, 4, 5), 1, true},
		"a whole vCon removed":         {pick(0, 1, 4, 5), 3, false},
		"two in the other order":       {pick(0, 2, 1, 3, 4, 5), 2, false},
		"one twice":                    {pick(0, 1, 1, 2, 3, 4, 5), 3, true},
		"one inserted":                 {append(with(0, whole[0]), forge(t, whole[5], func(r *Record) { r.N, r.Prev = 7, "" })), 7, true},
		"the end cut off":              {pick(0, 1, 2, 3), 0, false},
		"the last one written anew":    {with(5, forge(t, whole[5], func(r *Record) { r.Outcome = "halt" })), 6, false},
		"numbers and sums made to fit": {with(3, forge(t, whole[5], func(r *Record) { r.N, r.Seq = 4, 3 })), 4, true},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, nameOf(1)), append(bytes.Join(c.lines, []byte("\n")), '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Verify(dir, noted)
		if err != nil || len(r.Problems) == 0 || r.Problems[0].Line != c.at {
			t.Errorf("%s: %+v, %v, want line %d first", name, r.Problems, err, c.at)
		}
		_, problems, err := Of(dir, a.ID())
		if err != nil || len(problems) > 0 != c.ofA {
			t.Errorf("%s: of the vCon alone %v, %v", name, problems, err)
		}
		// A writer that goes on does not hide it.
		l := open(t, Config{Path: dir}, fileSize)
		put(t, l, b, 1)
		l.close()
		again, err := Verify(dir, noted)
		if err != nil || len(again.Problems) == 0 || again.Problems[0].Line != c.at && c.at > 0 {
			t.Errorf("%s, written on: %+v, %v", name, again.Problems, err)
		}
	}
}

// Files are links of the chain too.
func TestMissingFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, Config{Path: dir}, 2000)
	put(t, l, chaintest.Document(t, ""), 20)
	l.close()
	names, err := fileNames(dir)
	if err != nil || len(names) < 4 {
		t.Fatalf("%v, %v", names, err)
	}
	_, noted, _ := cutSum([]byte("x"))
	if r, err := Verify(dir, Head{N: 1, Sum: noted}); err != nil || len(r.Problems) != 1 || r.Problems[0].Line != 1 {
		t.Errorf("another head: %+v, %v", r.Problems, err)
	}
	if err := os.Remove(filepath.Join(dir, names[1])); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(dir, Head{})
	if err != nil || len(r.Problems) == 0 || r.Problems[0].File != names[2] || !strings.Contains(r.Problems[0].String(), "missing") {
		t.Errorf("%+v, %v", r.Problems, err)
	}
	os.Remove(filepath.Join(dir, names[0]))
	if r, err := Verify(dir, Head{N: 1}); err != nil || len(r.Problems) == 0 || r.First == 1 {
		t.Errorf("a head that is gone: %+v, %v", r, err)
	}
}

// FuzzRecord: what is read as a record is written again as the same record, and nothing panics.
func FuzzRecord(f *testing.F) {
	doc := chaintest.Document(f, "")
	for _, r := range []Record{{N: 1, Kind: KindTrace, Trace: traceOf(event(doc, 0))}, {N: 2, Kind: KindMended, Cut: 3}} {
		line, _, err := encode(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Add([]byte(`{"n":1,"sum":"`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, sum, err := ParseRecord(line)
		if sum == "" {
			t.Error("no sum")
		}
		if err != nil {
			return
		}
		again, _, err := encode(r)
		if err != nil {
			t.Fatal(err)
		}
		same, _, err := ParseRecord(again)
		one, _ := json.Marshal(r)
		two, _ := json.Marshal(same)
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s is read as %s: %v", one, two, err)
		}
	})
}

// FuzzLog: whatever the newest file holds, the log opens, takes records, and tells no more and no fewer bytes as broken
// than it did.
func FuzzLog(f *testing.F) {
	dir := f.TempDir()
	l := open(f, Config{Path: dir}, fileSize)
	doc := chaintest.Document(f, "")
	put(f, l, doc, 2)
	l.close()
	whole := readAll(f, dir)
	f.Add(whole)
	f.Add(whole[:len(whole)-7])
	f.Add(append(bytes.Clone(whole), make([]byte, 40)...))
	f.Add([]byte("\n\nx"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, nameOf(1)), text, 0o600); err != nil {
			t.Fatal(err)
		}
		before, err := Verify(dir, Head{})
		if err != nil {
			t.Fatal(err)
		}
		l := open(t, Config{Path: dir}, fileSize)
		put(t, l, doc, 1)
		l.close()
		after, err := Verify(dir, Head{})
		if err != nil || after.Torn || len(before.Problems) == 0 && len(after.Problems) > 0 {
			t.Fatalf("before %+v, after %+v, %v", before, after, err)
		}
		if len(before.Problems) > 0 && len(after.Problems) == 0 {
			t.Errorf("problems went away: %+v", before.Problems)
		}
	})
}
