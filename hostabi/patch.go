package hostabi

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/vconduit/vconduit/vcon"
)

// patchOp is one operation of an RFC 6902 patch.
type patchOp struct {
	Op         string
	Path, From *string         // nil: missing
	Value      json.RawMessage // nil: missing
}

// UnmarshalJSON reads an operation. Members have exactly these names (RFC 6902, 4), and those that it does not know are
// passed over.
func (p *patchOp) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	p.Value = members["value"]
	for name, into := range map[string]any{"op": &p.Op, "path": &p.Path, "from": &p.From} {
		if member, ok := members[name]; ok {
			if err := json.Unmarshal(member, into); err != nil {
				return err
			}
		}
	}
	return nil
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
		return failure(Invalid, "op is none of add, remove, replace, move, copy, test")
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
		err = c.wasSent(sent, map[string]string{"copy": "test", "move": "remove"}[op.Op], from)
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
// not know. To append, and to add what is not there, touches nothing. Of an array that was sent in part no element is put
// in or taken out: the next operation would mean another one by its index.
func (c *Call) wasSent(sent *Paths, op, path string) *callError {
	if sent == nil || path == "" || sent.reach("") == reachAll {
		return nil
	}
	parent, _ := cut(path)
	into, _ := c.doc.Get(parent)
	moves := into.Kind() == vcon.Array && op != "replace" && op != "test"
	_, absent := c.doc.Get(path)
	switch {
	case absent != nil: // to append, too; what else, the operation itself says
		return nil
	case sent.reach(path) != reachAll:
		return failure(Denied, "%q was not on standard input, so it cannot be touched", path)
	case moves && sent.reach(parent) != reachAll:
		return failure(Denied, "%q was on standard input in part, so no element is put in or taken out", parent)
	}
	return nil
}

func patchPointer(base, name string, p *string) (string, *callError) {
	if p == nil {
		return "", failure(Invalid, "%s is missing", name)
	}
	return base + *p, checkPointer([]byte(*p))
}
