package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/vconduit/vconduit/vcon"
)

// Problem is one place where the log is not what was written.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line"` // from 1; 0: the file as a whole
	N    uint64 `json:"n"`    // of the record; 0 when it cannot be told
	VCon string `json:"vcon,omitempty"`
	Text string `json:"problem"`
}

func (p Problem) String() string {
	text := p.File
	if p.Line > 0 {
		text += fmt.Sprintf(":%d", p.Line)
	}
	if p.N > 0 {
		text += fmt.Sprintf(" (record %d)", p.N)
	}
	return text + ": " + p.Text
}

// Report is what Verify found.
type Report struct {
	Records  int       `json:"records"`
	VCons    int       `json:"vcons"`
	First    uint64    `json:"first"` // number of the oldest record; above 1: older ones were dropped, as keep and max_size say, or by somebody
	Head     uint64    `json:"head"`  // number of the newest record
	Sum      string    `json:"sum"`   // and its sum: with the number, what to note elsewhere
	Mended   int       `json:"mended"`
	Torn     bool      `json:"torn"` // the last line is not whole: it is being written, or a crash tore it
	Problems []Problem `json:"problems"`
}

// maxProblems are told; behind the first places mostly everything follows wrongly.
const maxProblems = 100

// Head is the number and sum of a record that was noted earlier. The zero Head is none.
type Head struct {
	N   uint64
	Sum string
}

// Verify reads the log in a folder whole and holds each record against its own sum, against the one before it, and against
// the one before it of its vCon. noted is a head of earlier: a log that ends before it, or has another record there, is
// not the same log. It may be called while the log is written. Errors: the files cannot be read; a log that is broken is
// no error.
func Verify(dir string, noted Head) (Report, error) {
	v := &verifier{heads: map[vcon.ID]head{}, noted: noted}
	v.Problems = []Problem{}
	err := eachFile(dir, v.file)
	v.VCons, v.Head, v.Sum = len(v.heads), v.last.n, v.last.sum
	switch {
	case err == nil && noted.N > v.last.n:
		v.add(Problem{File: ".", N: v.last.n, Text: fmt.Sprintf("the log ends before record %d, which was its head once", noted.N)})
	case err == nil && noted.N > 0 && noted.N < v.First:
		v.add(Problem{File: ".", N: v.First, Text: fmt.Sprintf("the log begins behind record %d, which was its head once: nothing can be held against it", noted.N)})
	}
	return v.Report, err
}

// eachFile gives the files of a log, oldest first. One that goes away as the oldest meanwhile is passed over.
func eachFile(dir string, do func(name string, text []byte, newest bool)) error {
	names, err := fileNames(dir)
	if err != nil {
		return err
	}
	begun := false
	for i, name := range names {
		text, err := readFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) && !begun {
			continue
		}
		if err != nil {
			return err
		}
		begun = true
		do(name, text, i == len(names)-1)
	}
	return nil
}

type verifier struct {
	Report
	noted Head
	last  head
	heads map[vcon.ID]head
}

func (v *verifier) add(p Problem) {
	if len(v.Problems) < maxProblems {
		v.Problems = append(v.Problems, p)
	}
}

// file checks one file.
func (v *verifier) file(name string, text []byte, newest bool) {
	first := firstOf(name)
	if v.First == 0 {
		v.First, v.last.n = first, first-1
	} else if first != v.last.n+1 {
		v.add(Problem{File: name, N: first, Text: fmt.Sprintf("records from %d on are missing, or there are more than there were", v.last.n+1)})
		v.last.n = first - 1
	}
	n, whole := 0, 0
	for line := range lines(text) {
		n++
		whole += len(line) + 1
		v.line(name, n, line)
	}
	switch {
	case whole == len(text):
	case newest:
		v.Torn = true
	default:
		v.add(Problem{File: name, Line: n + 1, Text: "the last line has no end"})
	}
}

// line checks one record.
func (v *verifier) line(name string, at int, line []byte) {
	v.Records++
	r, sum, err := ParseRecord(line)
	p := Problem{File: name, Line: at, N: v.last.n + 1}
	defer func() { v.last.sum = sum }()
	if err != nil {
		p.Text = err.Error()
		v.add(p)
		v.last.n++
		return
	}
	p.N = r.N
	if r.Trace != nil {
		p.VCon = r.VCon
	}
	begins := v.last.n+1 == v.First && at == 1 // what came before is not here, unless it is the very first
	switch {
	case r.N != v.last.n+1:
		p.Text = fmt.Sprintf("record %d was to come: records were removed, inserted or moved", v.last.n+1)
		v.add(p)
	case r.Prev != v.last.sum && (!begins || r.N == 1):
		p.Text = "it does not follow the record before it, which was another"
		v.add(p)
	}
	if r.N == v.noted.N && sum != v.noted.Sum {
		p.Text = "it is not the record that was the head once"
		v.add(p)
	}
	v.last.n = r.N
	if r.Kind == KindMended {
		v.Mended++
		return
	}
	v.vcon(p, r, sum)
}

// vcon checks a record against the one before it of its vCon.
func (v *verifier) vcon(p Problem, r Record, sum string) {
	id, _ := vcon.ParseID(r.VCon) // ParseRecord has done so
	before, known := v.heads[id]
	v.heads[id] = head{r.Seq, sum}
	if !known && v.First > 1 {
		return // its older records were dropped, or it has none
	}
	if text := follows(r, before); text != "" {
		p.Text = text
		v.add(p)
	}
}

// follows says why a record does not come after another of its vCon; the zero head is none.
func follows(r Record, before head) string {
	switch {
	case r.Seq != before.n+1:
		return fmt.Sprintf("record %d of this vCon was to come, and it is %d", before.n+1, r.Seq)
	case r.Last != before.sum:
		return "it does not follow the vCon's record before it, which was another"
	}
	return ""
}

// Entry is a record with its place.
type Entry struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Sum  string `json:"sum"`
	Record
}

// Of gives the records of a vCon, oldest first, and what is wrong with them: with each itself, and with their order. The
// rest of the log is not looked at; whether the newest of the vCon are missing is for Verify.
func Of(dir string, id vcon.ID) (entries []Entry, problems []Problem, err error) {
	problems = []Problem{}
	var before head
	var oldest uint64
	err = eachFile(dir, func(name string, text []byte, _ bool) {
		if oldest == 0 {
			oldest = firstOf(name)
		}
		at := 0
		for line := range lines(text) {
			at++
			if !mentions(line, id) {
				continue
			}
			r, sum, err := ParseRecord(line)
			p := Problem{File: name, Line: at, N: r.N, VCon: id.String()}
			switch {
			case err != nil:
				p.Text = err.Error()
				problems = append(problems, p)
				continue
			case r.Kind != KindTrace || r.VCon != id.String():
				continue // it only created this vCon
			}
			if p.Text = follows(r, before); p.Text != "" && (len(entries) > 0 || oldest <= 1) {
				problems = append(problems, p)
			}
			before = head{r.Seq, sum}
			entries = append(entries, Entry{name, at, sum, r})
		}
	})
	return entries, problems, err
}
