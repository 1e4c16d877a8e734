package hostabi

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/vconduit/vconduit/vcon"
)

// The operations of doc_edit.
const (
	OpAdd     = 0
	OpReplace = 1
	OpRemove  = 2
	OpAppend  = 3
	OpTest    = 4
)

// change is one operation of doc_edit or doc_patch, absolute and with its syntax checked.
type change struct {
	op      int32
	pointer string
	value   []byte
}

// DocEdit stages one edit: op OpAdd, OpReplace, OpRemove (v empty), OpAppend to the array at p, or OpTest, which edits
// nothing and compares by value (numbers as numbers, objects without order). Errors: -1 the parent, or what is to be
// replaced or removed, is not there; -5 not granted, and always for the root and uuid; -9 a test differs; -11 v is not
// one JSON value, or the document would be deeper than 128 or no vCon any more; -2, -3, -6.
func (c *Call) DocEdit(h, op int32, p, v []byte) int32 {
	if e := c.enter("doc_edit"); e != 0 {
		return int32(e)
	}
	pointer, err := c.locate(h, p)
	if err == nil {
		err = c.apply(change{op, pointer, v})
	}
	if err != nil {
		return int32(c.fail(err))
	}
	return 0
}

// apply checks one change and stages it.
func (c *Call) apply(ch change) *callError {
	if err := ch.check(); err != nil {
		return err
	}
	if ch.op == OpTest {
		return c.test(ch)
	}
	target := ch.pointer
	if ch.op == OpAppend {
		target += "/-"
	}
	if err := c.mayWrite(target); err != nil {
		return err
	}
	if ch.op == OpRemove || ch.op == OpReplace {
		if err := c.mayLose(ch.pointer); err != nil {
			return err
		}
	}
	return c.stage(len(ch.value), func() error { return c.edit(ch) }, ch.pointer)
}

// check looks at op and value alone.
func (ch change) check() *callError {
	switch ch.op {
	case OpRemove:
		if len(ch.value) != 0 {
			return failure(Invalid, "remove takes no value")
		}
		return nil
	case OpAdd, OpReplace, OpAppend, OpTest:
	default:
		return failure(Invalid, "doc_edit: op %d is unknown", ch.op)
	}
	if !json.Valid(ch.value) {
		return failure(Invalid, "%q: the value is not one JSON value", ch.pointer)
	}
	return ch.checkShape()
}

// checkShape refuses what would make the document no vCon: its four arrays are arrays, their elements objects.
func (ch change) checkShape() *callError {
	if ch.op == OpTest {
		return nil
	}
	steps := grantSteps(ch.pointer)
	if ch.op == OpAppend {
		steps = append(steps, "-")
	}
	value := vcon.Value(bytes.TrimSpace(ch.value))
	kind := value.Kind()
	switch {
	case len(steps) == 0 || !slices.Contains([]string{"parties", "dialog", "analysis", "attachments"}, steps[0]):
	case len(steps) == 1 && kind != vcon.Array:
		return failure(Invalid, "%q must stay an array", ch.pointer)
	case len(steps) == 1:
		for i, element := range value.Elements() {
			if element.Kind() != vcon.Object {
				return failure(Invalid, "%q must be an object", "/"+steps[0]+"/"+strconv.Itoa(i))
			}
		}
	case len(steps) == 2 && kind != vcon.Object:
		return failure(Invalid, "%q must be an object", "/"+steps[0]+"/"+steps[1])
	}
	return nil
}

// mayLose refuses to drop what the link cannot see whole.
func (c *Call) mayLose(pointer string) *callError {
	switch c.o.Grants.Read.reach(pointer) {
	case reachAll:
		return nil
	case reachPart:
		return failure(Denied, "%q: parts of it may not be read, so it cannot be replaced or removed", pointer)
	default:
		return unseen(pointer)
	}
}

// stage runs an edit of n bytes under the quota.
func (c *Call) stage(n int, edit func() error, pointer string) *callError {
	if !fits(c.used.Edits, int64(n), c.limits.Edits) {
		return failure(OverQuota, "edits: more than %d bytes in one run", c.limits.Edits)
	}
	if err := edit(); err != nil {
		return documentError(pointer, err)
	}
	c.used.Edits += int64(n)
	c.body = bodyCache{}
	return nil
}

// edit hands a change to the draft, which copies the value.
func (c *Call) edit(ch change) error {
	switch ch.op {
	case OpAppend:
		return c.doc.Append(ch.pointer, ch.value)
	case OpRemove:
		return c.doc.Remove(ch.pointer)
	case OpReplace:
		if _, err := c.doc.Get(ch.pointer); err != nil {
			return err
		}
		return c.doc.Set(ch.pointer, ch.value)
	}
	if parent, last := cut(ch.pointer); last == "-" && isCoreArray(parent) {
		return c.doc.Append(parent, ch.value) // makes a core array that is not there
	}
	return c.doc.Add(ch.pointer, ch.value)
}

func (c *Call) test(ch change) *callError {
	if _, err := c.value(ch.pointer); err != nil {
		return err
	}
	if err := c.mayRead(ch.pointer); err != nil {
		return err
	}
	same, err := c.doc.Test(ch.pointer, ch.value)
	if err != nil {
		return documentError(ch.pointer, err)
	}
	if !same {
		return failure(Conflict, "%q: test: the value is another", ch.pointer)
	}
	return nil
}
