package hostabi

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/vconduit/vconduit/vcon"
)

// patchOp is one operation of an RFC 6902 patch.
type patchOp struct {
	Op    string          `json:"op"`
	Path  *string         `json:"path"`
	From  *string         `json:"from"`
	Value json.RawMessage `json:"value"`
}

var patchOps = map[string]int32{"add": OpAdd, "replace": OpReplace, "remove": OpRemove, "test": OpTest}

// DocPatch applies an RFC 6902 patch, pointers relative to h, all or nothing. Errors are those of DocEdit, for the
// first operation that fails; its index is in ErrorText. copy and move need the read and the write grant.
func (c *Call) DocPatch(h int32, patch []byte) int32 {
	if e := c.enter("doc_patch"); e != 0 {
		return int32(e)
	}
	if err := c.patch(h, patch); err != nil {
		return int32(c.fail(err))
	}
	return 0
}

func (c *Call) patch(h int32, patch []byte) *callError {
	base, err := handle[docHandle](c, h, "document")
	if err != nil {
		return err
	}
	var ops []patchOp
	if jsonerr := json.Unmarshal(patch, &ops); jsonerr != nil || ops == nil || !utf8.Valid(patch) {
		return failure(Invalid, "doc_patch: not a JSON array of operations")
	}
	mark, used := c.doc.Mark(), c.used.Edits
	for i, op := range ops {
		if err := c.patchOne(string(base), op, nil); err != nil {
			c.doc.Rollback(mark)
			c.used.Edits, c.body = used, bodyCache{}
			return failure(err.code, "doc_patch: operation %d: %s", i, err.text)
		}
	}
	return nil
}

// patchOne applies an operation. sent is what of the document it was made from, nil: all of it.
func (c *Call) patchOne(base string, op patchOp, sent *Paths) *callError {
	path, err := patchPointer(base, "path", op.Path)
	if err == nil {
		err = c.wasSent(sent, op.Op, path)
	}
	if err != nil {
		return err
	}
	if op.Op == "copy" || op.Op == "move" {
		return c.patchFrom(base, path, op, sent)
	}
	code, known := patchOps[op.Op]
	switch {
	case !known:
		return failure(Invalid, "op %q is unknown", op.Op)
	case op.Op == "remove":
		op.Value = nil
	case op.Value == nil:
		return failure(Invalid, "%s needs a value", op.Op)
	}
	return c.apply(change{code, path, op.Value})
}

// patchFrom is copy and move.
func (c *Call) patchFrom(base, path string, op patchOp, sent *Paths) *callError {
	from, err := patchPointer(base, "from", op.From)
	if err == nil {
		err = c.wasSent(sent, "", from)
	}
	if err != nil {
		return err
	}
	if op.Op == "move" && from != path && within(path, from) {
		return failure(Invalid, "a value cannot be moved into itself")
	}
	if err := c.mayRead(from); err != nil {
		return err
	}
	v, err := c.value(from)
	if err != nil {
		return err
	}
	value := append([]byte(nil), v...)
	if op.Op == "move" {
		if err := c.apply(change{OpRemove, from, nil}); err != nil {
			return err
		}
	}
	return c.apply(change{OpAdd, path, value})
}

// wasSent refuses an operation at a place that whoever made the patch was not sent, though something is there: it could
// not know. To append, and to add what is not there, touches nothing.
func (c *Call) wasSent(sent *Paths, op, path string) *callError {
	if sent == nil || path == "" || sent.reach(path) == reachAll {
		return nil
	}
	if op == "add" || op == "copy" || op == "move" {
		parent, _ := cut(path)
		into, err := c.doc.Get(parent)
		if err == nil && into.Kind() == vcon.Array && sent.reach(parent) != reachNone {
			return nil // put in before an element
		}
		if _, err := c.doc.Get(path); err != nil {
			return nil
		}
	}
	return failure(Denied, "%q was not on standard input, so it cannot be touched", path)
}

func patchPointer(base, name string, p *string) (string, *callError) {
	if p == nil {
		return "", failure(Invalid, "%s is missing", name)
	}
	return base + *p, checkPointer([]byte(*p))
}
