package hostabi

import (
	"bytes"
	"slices"

	"github.com/vconduit/vconduit/vcon"
)

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
// are left out; such elements of arrays stand as null, so that indexes stay those of the document. Errors: a Coder, -1
// nothing may be read.
func (c *Call) Stdin(in Input) ([]byte, error) {
	if in.None {
		c.inputs = &Paths{}
		return nil, nil
	}
	c.inputs = &c.o.Grants.Read
	whole, err := c.value("")
	if err != nil {
		return nil, err
	}
	if in.Pointers == nil {
		return whole, nil
	}
	asked := &Paths{Allow: append([]string{"/uuid"}, in.Pointers...), Within: &c.o.Grants.Read}
	c.inputs = asked
	if seen := asked.view("", whole); seen != nil {
		return seen, nil
	}
	return []byte("{}"), nil
}

// Stdout stages the edits that the answer of a command asks for, all or none; white space alone asks for none. in is what
// Stdin gave: vcon and merge are compared with it. What the command was not sent is never touched, but it may append. Every edit needs its
// grant, and tags that changed the word tags alone. Errors: a Coder, as DocEdit and DocPatch, which names the pointer and
// never what is there.
func (c *Call) Stdout(mode OutputMode, in, out []byte) error {
	c.calling = "standard output"
	if out = bytes.TrimSpace(out); len(out) == 0 || mode == OutputNone {
		return nil
	}
	mark, used := c.doc.Mark(), c.used.Edits
	var err *callError
	if mode == "" || mode == OutputPatch {
		err = c.patch(1, out, c.inputs)
	} else {
		err = c.applyAnswer(mode, in, out)
	}
	if err == nil {
		return nil
	}
	c.doc.Rollback(mark)
	c.used.Edits, c.body = used, bodyCache{}
	c.fail(err)
	return err
}

// applyAnswer stages what leads from what was on standard input to the answer.
func (c *Call) applyAnswer(mode OutputMode, in, out []byte) *callError {
	if len(bytes.TrimSpace(in)) == 0 {
		in = []byte("{}") // input: none
	}
	to, parseErr := vcon.ParseValue(out)
	switch {
	case parseErr != nil:
		return failure(Invalid, "not JSON: %v", parseErr)
	case to.Kind() != vcon.Object:
		return failure(Invalid, "not a JSON object, as output: %s wants", mode)
	}
	diff := vcon.Diff
	if mode == OutputMerge {
		diff = vcon.DiffMerge
	}
	for ch := range diff(vcon.Value(in), to, c.mayReplace) {
		if err := c.take(ch); err != nil {
			return err
		}
	}
	return nil
}

// mayReplace reports whether an array may be written as a whole.
func (c *Call) mayReplace(pointer string) bool {
	return c.mayWrite(pointer) == nil && c.o.Grants.Read.reach(pointer) == reachAll
}

var answerOps = map[string]int32{"add": OpAdd, "insert": OpAdd, "replace": OpReplace, "remove": OpRemove, "append": OpAppend}

// take stages one change of an answer.
func (c *Call) take(ch vcon.Change) *callError {
	switch {
	case ch.Op == "append" && depthOf(ch.Path) == 1:
		return c.apply(change{OpAdd, ch.Path + "/-", ch.Value})
	case ch.Op == "add":
		if _, err := c.doc.Get(ch.Path); err == nil {
			return failure(Denied, "%q was not on standard input, so it cannot be replaced", ch.Path)
		}
		if isCoreArray(ch.Path) && ch.Value.Kind() == vcon.Array {
			return c.takeNew(ch)
		}
	case ch.Op == "replace" && c.o.Grants.Tags && c.mayWrite(ch.Path) != nil:
		if done, err := c.takeTags(ch); done || err != nil {
			return err
		}
	}
	return c.apply(change{answerOps[ch.Op], ch.Path, ch.Value})
}

func isCoreArray(pointer string) bool {
	return slices.Contains([]string{"/parties", "/dialog", "/analysis", "/attachments"}, pointer)
}

// takeNew stages an array that the document has none of, element by element: to append is what links are granted.
func (c *Call) takeNew(ch vcon.Change) *callError {
	for _, element := range ch.Value.Elements() {
		if err := c.apply(change{OpAdd, ch.Path + "/-", element}); err != nil {
			return err
		}
	}
	return nil
}

// takeTags stages a new body of a tags attachment as tags that came and went; done: it was one.
func (c *Call) takeTags(ch vcon.Change) (done bool, _ *callError) {
	steps := grantSteps(ch.Path)
	if len(steps) != 3 || steps[0] != "attachments" || steps[2] != "body" {
		return false, nil
	}
	body, err := c.doc.Get(ch.Path)
	if err != nil {
		return false, documentError(ch.Path, err)
	}
	old, ok := vcon.TagsIn(body)
	now, still := vcon.TagsIn(ch.Value)
	if !ok || !still {
		return false, nil
	}
	return true, c.swapTags(old, now)
}

func (c *Call) swapTags(old, now []string) *callError {
	for _, tag := range old {
		if slices.Contains(now, tag) {
			continue
		}
		name, value := cutTag(tag)
		if code := c.TagRemove(name, value); code < 0 {
			return &callError{Errno(code), c.errText}
		}
	}
	for _, tag := range now {
		if slices.Contains(old, tag) {
			continue
		}
		name, value := cutTag(tag)
		if code := c.TagAdd(name, value); code < 0 {
			return &callError{Errno(code), c.errText}
		}
	}
	return nil
}

func cutTag(tag string) (name, value []byte) {
	n, v, _ := bytes.Cut([]byte(tag), []byte{':'})
	return n, v
}

var _ interface {
	error
	Coder
} = (*callError)(nil)
