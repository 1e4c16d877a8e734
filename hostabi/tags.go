package hostabi

import (
	"strings"
	"unicode/utf8"
)

// tagName checks the name of a tag: UTF-8, not empty, without a colon, which ends it in the stored form.
func tagName(name []byte) *callError {
	switch {
	case !utf8.Valid(name):
		return failure(Invalid, "the tag's name is not UTF-8")
	case len(name) == 0:
		return failure(Invalid, "the tag's name is empty")
	case strings.Contains(string(name), ":"):
		return failure(Invalid, "the tag's name %q holds a colon", name)
	}
	return nil
}

// tags are those that may be read: with the grant of the attachments, or the word tags.
func (c *Call) tags() []string {
	if !c.o.Grants.Tags && c.o.Grants.Read.reach("/attachments") != reachAll {
		return nil
	}
	return c.doc.Tags()
}

// mayTag refuses tags where they are not granted.
func (c *Call) mayTag() *callError {
	switch {
	case c.sealed != "":
		return failure(Denied, "%s", c.sealed)
	case !c.o.Grants.Tags:
		return failure(Denied, "tags may not be written; allow it with write: [tags]")
	}
	return nil
}

// TagGet gives the first value of the tag name, of any tags attachment. Errors: -1 none, -11.
func (c *Call) TagGet(name, out []byte) int64 {
	if e := c.enter("tag_get"); e != 0 {
		return int64(e)
	}
	if err := tagName(name); err != nil {
		return int64(c.fail(err))
	}
	prefix := string(name) + ":"
	for _, tag := range c.tags() {
		if value, ok := strings.CutPrefix(tag, prefix); ok {
			return give([]byte(value), out)
		}
	}
	return int64(c.failf(NotFound, "no tag %q", name))
}

// TagAdd adds a tag: 0, also when the pair was there. Errors: -5, -6, -11.
func (c *Call) TagAdd(name, value []byte) int32 {
	if e := c.enter("tag_add"); e != 0 {
		return int32(e)
	}
	err := tagName(name)
	if err == nil && !utf8.Valid(value) {
		err = failure(Invalid, "the value of tag %q is not UTF-8", name)
	}
	if err == nil {
		err = c.mayTag()
	}
	if err == nil {
		err = c.stage(len(name)+len(value)+1, func() error { return c.doc.AddTag(string(name), string(value)) }, "/attachments")
	}
	if err != nil {
		return int32(c.fail(err))
	}
	return 0
}

// TagList gives all tags as a JSON array of "name:value", in document order; none = [].
func (c *Call) TagList(out []byte) int64 {
	if e := c.enter("tag_list"); e != 0 {
		return int64(e)
	}
	list := []byte{'['}
	for i, tag := range c.tags() {
		if i > 0 {
			list = append(list, ',')
		}
		list = appendQuoted(list, tag)
	}
	return give(append(list, ']'), out)
}

// TagRemove takes a tag away, with a nil value every value of it; the result is how many. Errors: -5, -11.
func (c *Call) TagRemove(name, value []byte) int32 {
	if e := c.enter("tag_remove"); e != 0 {
		return int32(e)
	}
	err := tagName(name)
	if err == nil && !utf8.Valid(value) {
		err = failure(Invalid, "the value of tag %q is not UTF-8", name)
	}
	if err == nil {
		err = c.mayTag()
	}
	removed := 0
	if err == nil {
		err = c.stage(0, func() (docerr error) {
			removed, docerr = c.doc.RemoveTag(string(name), string(value), value == nil)
			return docerr
		}, "/attachments")
	}
	if err != nil {
		return int32(c.fail(err))
	}
	return int32(removed)
}
