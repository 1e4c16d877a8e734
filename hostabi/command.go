package hostabi

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"

	"github.com/vconduit/vconduit/vcon"
)

var _ interface {
	error
	Coder
} = (*callError)(nil)

// Coder is an error that tells its code. Those of Stdin and Stdout do.
type Coder interface{ Code() Errno }

// Code implements Coder.
func (e *callError) Code() Errno { return e.code }

// Input says what a command gets on standard input. The zero value is all that the link may read.
type Input struct {
	None     bool
	Pointers []string // what is at these and below, with /uuid; nil = all
}

// Set reports whether anything but the zero value is asked for.
func (i Input) Set() bool { return i.None || i.Pointers != nil }

// OutputMode says what the standard output of a command is.
type OutputMode string

// The modes. "" is OutputPatch.
const (
	OutputPatch OutputMode = "patch" // a JSON patch, RFC 6902
	OutputVCon  OutputMode = "vcon"  // the whole of what was on standard input, changed
	OutputMerge OutputMode = "merge" // a merge patch for it, RFC 7396
	OutputNone  OutputMode = "none"  // nothing: it is dropped
)

// Stdin is what a command reads: the document as the link may read it. Members that it may not read, or did not ask for,
// are left out; such elements of arrays stand as null, so that indexes stay those of the document. Later edits do not
// change the bytes; the caller must not either. Errors: a Coder, -1 nothing may be read, -3 a bad pointer in in, -10
// outside a run, -11 the document with its edits is larger than it may be.
func (c *Call) Stdin(in Input) ([]byte, error) {
	if e := c.enter("standard input"); e != 0 {
		return nil, failure(e, "not outside a run")
	}
	text, err := c.input(in)
	if err != nil {
		c.fail(err)
		return nil, err
	}
	return text, nil
}

func (c *Call) input(in Input) (vcon.Value, *callError) {
	for _, p := range in.Pointers {
		if err := checkPointer([]byte(p)); err != nil {
			return nil, err
		}
	}
	if in.None {
		c.inputs = &Paths{}
		return nil, nil
	}
	c.inputs = &c.o.Grants.Read
	doc, err := c.present()
	if err != nil {
		return nil, err
	}
	whole, _ := doc.Get("") // always there
	seen := c.o.Grants.Read.view("", whole)
	if seen == nil {
		return nil, unseen("")
	}
	if in.Pointers == nil {
		return seen, nil
	}
	c.inputs = &Paths{Allow: append([]string{"/uuid"}, in.Pointers...), Within: &c.o.Grants.Read}
	if seen = c.inputs.view("", seen); seen != nil {
		return seen, nil
	}
	return vcon.Value("{}"), nil
}

// present is the document as handle 1 has it now; later edits do not change it.
func (c *Call) present() (*vcon.VCon, *callError) {
	doc, err := c.doc.VCon()
	if err != nil {
		return nil, documentError("", err)
	}
	return doc, nil
}

// Stdout stages the edits that the answer of a command asks for, all or none; white space alone asks for none. in is what
// Stdin gave. The edits come behind those of host functions, under the same grants and quotas.
//
// vcon and merge are compared with in. What the command was not sent is never touched, in any mode, but it may append; a
// core array that is not there is made by appending, and tags that changed need the word tags alone. What a host function changed after Stdin is not
// changed again, in any mode.
//
// Errors: a Coder, which names the pointer or the position and never what is there: -5 not granted or not sent, -7 and
// -12 the run is over, -9 changed since Stdin, -10 outside a run, -11 not what mode says, and those of DocEdit and
// DocPatch.
func (c *Call) Stdout(mode OutputMode, in, out []byte) error {
	if e := c.enter("standard output"); e != 0 {
		return failure(e, "not outside a run")
	}
	if err := c.output(mode, in, out); err != nil {
		c.fail(err)
		return err
	}
	return nil
}

func (c *Call) output(mode OutputMode, in, out []byte) *callError {
	switch mode {
	case OutputNone:
		return nil
	case "", OutputPatch, OutputVCon, OutputMerge:
	default:
		return failure(Invalid, "output: %q is unknown", string(mode))
	}
	if out = bytes.Trim(out, " \t\r\n"); len(out) == 0 {
		return nil
	}
	to, parseErr := vcon.ParseValue(out)
	if parseErr != nil {
		return failure(Invalid, "not JSON: %v", parseErr)
	}
	a, err := c.newAnswer(in)
	if err != nil {
		return err
	}
	mark, used := c.doc.Mark(), c.used.Edits
	if err = a.take(mode, to); err != nil {
		c.doc.Rollback(mark)
		c.used.Edits, c.body = used, bodyCache{}
	}
	return err
}

// answer is standard output on its way into the document.
type answer struct {
	c    *Call
	sent vcon.Value // what was on standard input
	now  *vcon.VCon // the document before the answer
	same bool       // all of it was on standard input, and nothing changed since
	kept map[passage]bool
}

func (c *Call) newAnswer(in []byte) (*answer, *callError) {
	now, err := c.present()
	if err != nil {
		return nil, err
	}
	if in = bytes.TrimSpace(in); len(in) == 0 {
		in = []byte("{}") // input: none
	}
	whole, _ := now.Get("") // always there
	return &answer{c: c, sent: in, now: now, same: bytes.Equal(in, whole), kept: map[passage]bool{}}, nil
}

func (a *answer) take(mode OutputMode, to vcon.Value) *callError {
	switch {
	case mode == "" || mode == OutputPatch:
		return a.patch(to)
	case to.Kind() != vcon.Object:
		return failure(Invalid, "not a JSON object, as output: %s wants", mode)
	case mode == OutputMerge:
		return a.changes(vcon.DiffMerge(a.sent, to, a.mayReplace))
	}
	return a.changes(vcon.Diff(a.sent, to, a.mayReplace))
}

// patch runs the operations of RFC 6902. Their pointers are those of the document that was on standard input.
func (a *answer) patch(to vcon.Value) *callError {
	var ops []patchOp
	if err := json.Unmarshal(to, &ops); err != nil || ops == nil {
		return failure(Invalid, "not a JSON array of operations, as output: patch wants")
	}
	for i, op := range ops {
		if err := a.operation(op); err != nil {
			return failure(err.code, "operation %d: %s", i, err.text)
		}
	}
	return nil
}

func (a *answer) operation(op patchOp) *callError {
	if err := a.inTime(); err != nil {
		return err
	}
	for _, p := range []*string{op.Path, op.From} {
		if p == nil || checkPointer([]byte(*p)) != nil {
			continue // which patchOne tells
		}
		if err := a.unchanged(*p); err != nil {
			return err
		}
	}
	return a.c.patchOne("", op, a.c.inputs)
}

func (a *answer) changes(all iter.Seq[vcon.Change]) *callError {
	for ch := range all {
		if err := a.inTime(); err != nil {
			return err
		}
		if err := a.change(ch); err != nil {
			return err
		}
	}
	return nil
}

// inTime ends an answer of very many changes with the run.
func (a *answer) inTime() *callError {
	if err := a.c.ctx.Err(); err != nil {
		return waitError("the answer", err)
	}
	return nil
}

// mayReplace reports whether an array may be written as a whole.
func (a *answer) mayReplace(pointer string) bool {
	return a.same && a.c.mayWrite(pointer) == nil && a.c.o.Grants.Read.reach(pointer) == reachAll
}

var answerOps = map[string]int32{"add": OpAdd, "insert": OpAdd, "replace": OpReplace, "remove": OpRemove, "append": OpAppend}

// change stages one step of a difference.
func (a *answer) change(ch vcon.Change) *callError {
	if a.isNewList(ch) {
		return a.appendAll(ch.Path, ch.Value)
	}
	if done, err := a.retag(ch); done || err != nil {
		return err
	}
	if err := a.fits(ch); err != nil {
		return err
	}
	if ch.Op == "append" {
		return a.append(ch.Path, ch.Value)
	}
	return a.c.apply(change{answerOps[ch.Op], ch.Path, ch.Value})
}

// isNewList reports whether a change makes a core array where there is none, or null. Its elements are appended: that is
// what links are granted.
func (a *answer) isNewList(ch vcon.Change) bool {
	if ch.Op != "add" && ch.Op != "replace" || !isCoreArray(ch.Path) || ch.Value.Kind() != vcon.Array {
		return false
	}
	sent, err := a.sent.Get(ch.Path)
	now, missing := a.now.Get(ch.Path)
	return err != nil && missing != nil || err == nil && sent.Kind() == vcon.Null && now.Kind() == vcon.Null
}

func (a *answer) appendAll(pointer string, list vcon.Value) *callError {
	for _, element := range list.Elements() {
		if err := a.inTime(); err != nil {
			return err
		}
		if err := a.append(pointer, element); err != nil {
			return err
		}
	}
	return nil
}

// append appends an element; one that holds nothing but tags, where only these may be written, as tags.
func (a *answer) append(pointer string, element vcon.Value) *callError {
	if pointer == "/attachments" && a.c.mayTag() == nil && a.c.mayWrite("/attachments/-") != nil {
		if tags, ok := onlyTags(element); ok {
			return a.addTags(tags)
		}
	}
	return a.c.apply(change{OpAppend, pointer, element})
}

func isCoreArray(pointer string) bool {
	return slices.Contains([]string{"/parties", "/dialog", "/analysis", "/attachments"}, pointer)
}
