package hostabi

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vconduit/vconduit/vcon"
)

// The ways of doc_read.
const (
	AsText   = 0 // JSON text as stored
	AsString = 1 // decoded string
	AsBody   = 2 // decoded body, at a body member
	AsFormat = 3 // handle 1 and "" alone: the whole document in the format version the link is set to
)

// maxQuery is how many pointers one doc_query takes.
const maxQuery = 256

// openDocument sets handle 1. A signed vCon reads as its payload, and may not be written: an edit would break the
// signature.
func (c *Call) openDocument() {
	c.doc = c.o.Doc
	c.handles.put(docHandle(""))
	switch c.o.Doc.Base().Form() {
	case vcon.Signed:
		c.sealed = "the vCon is signed: an edit would break its signature"
		if payload, err := c.o.Doc.Base().Payload(); err == nil {
			c.doc = payload.Draft()
		}
	case vcon.Encrypted:
		c.sealed = "the vCon is encrypted: it cannot be written"
	}
}

// locate checks handle and pointer and gives the absolute pointer.
func (c *Call) locate(h int32, p []byte) (string, *callError) {
	base, err := handle[docHandle](c, h, "document")
	if err != nil {
		return "", err
	}
	if err := checkPointer(p); err != nil {
		return "", err
	}
	return string(base) + string(p), nil
}

// value reads what is at an absolute pointer, as far as it may be read.
func (c *Call) value(pointer string) (vcon.Value, *callError) {
	if c.o.Grants.Read.reach(pointer) == reachNone {
		return nil, unseen(pointer)
	}
	v, err := c.doc.Get(pointer)
	if err != nil {
		return nil, documentError(pointer, err)
	}
	if v = c.o.Grants.Read.view(pointer, v); v == nil {
		return nil, unseen(pointer)
	}
	return v, nil
}

// find is locate and value together.
func (c *Call) find(h int32, p []byte) (pointer string, v vcon.Value, err *callError) {
	if pointer, err = c.locate(h, p); err == nil {
		v, err = c.value(pointer)
	}
	return pointer, v, err
}

// DocType is the JSON type of the value at p: 0 absent (also when it may not be read), 1 null, 2 bool, 3 number,
// 4 string, 5 array, 6 object. Errors: -11 bad handle or text, -3.
func (c *Call) DocType(h int32, p []byte) int32 {
	if e := c.enter("doc_type"); e != 0 {
		return int32(e)
	}
	pointer, err := c.locate(h, p)
	if err != nil {
		return int32(c.fail(err))
	}
	if c.o.Grants.Read.reach(pointer) == reachNone {
		return int32(vcon.Absent)
	}
	v, geterr := c.doc.Get(pointer)
	if geterr != nil || !c.o.Grants.Read.shows(pointer, v.Kind()) {
		return int32(vcon.Absent)
	}
	return int32(v.Kind())
}

// DocSize is the length in bytes of what DocRead gives as text. Errors: -1 absent, -3, -11.
func (c *Call) DocSize(h int32, p []byte) int64 {
	if e := c.enter("doc_size"); e != 0 {
		return int64(e)
	}
	_, v, err := c.find(h, p)
	if err != nil {
		return int64(c.fail(err))
	}
	return int64(len(v))
}

// DocCount is the number of items of an array or distinct members of an object that may be read. Errors: -2 for other types, those of
// DocSize.
func (c *Call) DocCount(h int32, p []byte) int64 {
	if e := c.enter("doc_count"); e != 0 {
		return int64(e)
	}
	pointer, v, err := c.find(h, p)
	if err != nil {
		return int64(c.fail(err))
	}
	if v.Kind() == vcon.Object {
		return int64(len(c.names(pointer)))
	}
	n, counterr := c.doc.Count(pointer)
	if counterr != nil {
		return int64(c.fail(documentError(pointer, counterr)))
	}
	return int64(n)
}

// names are the member names of the object at a pointer, as far as they may be read.
func (c *Call) names(pointer string) []string {
	names, err := c.doc.Keys(pointer)
	if err != nil || c.o.Grants.Read.reach(pointer) == reachAll {
		return names
	}
	return slices.DeleteFunc(names, func(name string) bool {
		below := pointer + "/" + escapeStep(name)
		v, err := c.doc.Get(below)
		return err != nil || !c.o.Grants.Read.shows(below, v.Kind())
	})
}

// DocKeys gives the member names of an object, decoded, each ended by NUL, in document order. A name that holds NUL is
// left out. Errors: -2 not an object, those of DocSize.
func (c *Call) DocKeys(h int32, p, out []byte) int64 {
	if e := c.enter("doc_keys"); e != 0 {
		return int64(e)
	}
	pointer, v, err := c.find(h, p)
	if err == nil && v.Kind() != vcon.Object {
		err = failure(WrongType, "%q: not an object", pointer)
	}
	if err != nil {
		return int64(c.fail(err))
	}
	var list []byte
	for _, name := range c.names(pointer) {
		if !strings.Contains(name, "\x00") {
			list = append(append(list, name...), 0)
		}
	}
	return give(list, out)
}

// DocRead gives the value at p and writes the part of it that begins at off and fits into out; the result is the full
// length. as: AsText, AsString (-2 when it is no string), AsBody (-2 when it is no body member or its encoding is
// broken), AsFormat (-5 when only parts of the vCon may be read). off behind the end writes nothing. Errors: -11 also
// for off < 0 and an unknown as; those of DocSize.
func (c *Call) DocRead(h int32, p []byte, as int32, off int64, out []byte) int64 {
	if e := c.enter("doc_read"); e != 0 {
		return int64(e)
	}
	pointer, err := c.locate(h, p)
	if err == nil {
		err = checkRead(pointer, as, off)
	}
	if err != nil {
		return int64(c.fail(err))
	}
	data, err := c.read(pointer, as)
	if err != nil {
		return int64(c.fail(err))
	}
	if off < int64(len(data)) {
		copy(out, data[off:])
	}
	return int64(len(data))
}

func checkRead(pointer string, as int32, off int64) *callError {
	switch {
	case off < 0:
		return failure(Invalid, "doc_read: off %d is below 0", off)
	case as < AsText || as > AsFormat:
		return failure(Invalid, "doc_read: as %d is unknown", as)
	case as == AsFormat && pointer != "":
		return failure(Invalid, "doc_read: as 3 gives the whole document alone")
	}
	return nil
}

// read gives the value at pointer in the way that as asks for.
func (c *Call) read(pointer string, as int32) ([]byte, *callError) {
	v, err := c.value(pointer)
	if err != nil || as == AsText {
		return v, err
	}
	switch as {
	case AsString:
		if v.Kind() != vcon.String {
			return nil, failure(WrongType, "%q: not a string", pointer)
		}
		return c.body.get(pointer, as, func() ([]byte, *callError) {
			text, _ := v.Text()
			return []byte(text), nil
		})
	case AsBody:
		switch {
		case !isBody(pointer):
			return nil, failure(WrongType, "%q: not a body member", pointer)
		case c.o.Grants.Read.reach(pointer) == reachPart:
			return v, nil // of a JSON value, what may be read of it
		}
		return c.body.get(pointer, as, func() ([]byte, *callError) { return c.decodeBody(pointer) })
	default:
		if err := c.mayRead(pointer); err != nil {
			return nil, err
		}
		return c.body.get(pointer, as, c.formatted)
	}
}

// formatted is the document as receivers outside get it. A signed or encrypted vCon goes out as it is.
func (c *Call) formatted() ([]byte, *callError) {
	doc, err := c.o.Doc.VCon()
	if err != nil {
		return nil, documentError("", err)
	}
	converted, err := doc.Downgrade(c.format())
	if err != nil {
		return nil, failure(Unsupported, "%v", err)
	}
	return converted.Bytes(), nil
}

// format is the version that receivers of this link get.
func (c *Call) format() string {
	raw, err := c.options()
	if err == nil {
		if own, ok := vcon.Value(member(raw, "format_version")).Text(); ok {
			return own
		}
	}
	return c.o.Format
}

// DocQuery reads many values at once: p is a JSON array of at most 256 pointers relative to h, the result a JSON array
// of their values, null where nothing is or nothing may be read. Errors: -3 when one pointer is bad, -11.
func (c *Call) DocQuery(h int32, p, out []byte) int64 {
	if e := c.enter("doc_query"); e != 0 {
		return int64(e)
	}
	pointers, err := c.queryPointers(h, p)
	if err != nil {
		return int64(c.fail(err))
	}
	answer := []byte{'['}
	for i, pointer := range pointers {
		if i > 0 {
			answer = append(answer, ',')
		}
		v, err := c.value(pointer)
		if err != nil {
			v = vcon.Value("null")
		}
		answer = append(answer, v...)
		if len(answer) > maxAnswer {
			return int64(c.failf(OverQuota, "doc_query: the values are more than %d bytes", maxAnswer))
		}
	}
	return give(append(answer, ']'), out)
}

// maxAnswer bounds what one doc_query builds: the same large value asked for 256 times must not fill the host.
const maxAnswer = 256 << 20

func (c *Call) queryPointers(h int32, p []byte) ([]string, *callError) {
	base, err := handle[docHandle](c, h, "document")
	if err != nil {
		return nil, err
	}
	var list []*string
	if jsonerr := json.Unmarshal(p, &list); jsonerr != nil || list == nil || !utf8.Valid(p) || slices.Contains(list, nil) {
		return nil, failure(Invalid, "doc_query: not a JSON array of pointers")
	}
	if len(list) > maxQuery {
		return nil, failure(Invalid, "doc_query: %d pointers, at most %d", len(list), maxQuery)
	}
	pointers := make([]string, len(list))
	for i, p := range list {
		if err := checkPointer([]byte(*p)); err != nil {
			return nil, err
		}
		pointers[i] = string(base) + *p
	}
	return pointers, nil
}

// DocOpen gives a handle for the value at p, so that later pointers may be relative to it. It names the place, not the
// element: it does not follow when others are removed. Errors: -1 absent, -6 too many, -3, -11.
func (c *Call) DocOpen(h int32, p []byte) int32 {
	if e := c.enter("doc_open"); e != 0 {
		return int32(e)
	}
	pointer, err := c.locate(h, p)
	if err != nil {
		return int32(c.fail(err))
	}
	if c.o.Grants.Read.reach(pointer) == reachNone {
		return int32(c.fail(unseen(pointer)))
	}
	v, geterr := c.doc.Get(pointer)
	if geterr != nil {
		return int32(c.fail(documentError(pointer, geterr)))
	}
	if !c.o.Grants.Read.shows(pointer, v.Kind()) {
		return int32(c.fail(unseen(pointer)))
	}
	return c.newHandle(docHandle(pointer))
}
