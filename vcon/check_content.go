package vcon

import (
	"strings"
	"time"
)

// moment reads a date member and reports one that is not of the draft's form.
func (c *checker) moment(m *members, name string, f field) (time.Time, bool) {
	v := m.get(f)
	if v.isEmpty() {
		return time.Time{}, false
	}
	return c.date(name, v)
}

func (c *checker) date(name string, v Value) (time.Time, bool) {
	t, form := instantOf(v)
	switch form {
	case timeExact:
	case timeLocal:
		c.addAs(ruleT04, c.or(refusal, silent), name, typeDatetime, "")
	default:
		c.add(ruleT04, name, typeDatetime, "")
	}
	return t, form != timeBad
}

// content checks what a dialog, an analysis and an attachment have in common: a body, or a url with its hash.
func (c *checker) content(inDialog bool) {
	body, bodyName := c.m.get(fBody), fBody
	if body == nil && !inDialog {
		body, bodyName = c.m.either(fBody, fTranscript)
	}
	url := c.m.get(fURL)
	encoding := mustText(c.m.get(fEncoding))
	hasBody := !body.emptyBody(encoding)
	if hasBody && !url.isEmpty() {
		c.add(ruleB01, fieldNames[bodyName], typeValue, "the content is both inline and external")
	}
	if hasBody {
		c.body(body, fieldNames[bodyName])
	} else if encoding != "" {
		c.add(ruleB08, "encoding", typeValue, "there is no body to be encoded")
	}
	severe := c.or(refusal, warning)
	if inDialog {
		severe = refusal
	}
	c.mediatype(hasBody, severe)
	c.external(url, severe)
}

// body checks inline content against its encoding.
func (c *checker) body(v Value, name string) {
	written := c.m.get(fEncoding)
	encoding, isText := written.Text()
	switch {
	case written.isEmpty():
		c.missing(ruleB02, "encoding")
	case !isText:
		c.add(ruleB03, "encoding", typeStr, "")
	case encoding == "json":
		c.jsonBody(v, name)
	case encoding == "none", encoding == "base64url":
		c.textBody(v, name, encoding)
	case encoding == "base64":
		c.addAs(ruleB03, c.or(refusal, silent), "encoding", typeValue, "base64 is no encoding of the draft, base64url is")
		c.textBody(v, name, encoding)
	default:
		c.add(ruleB03, "encoding", typeValue, "the encoding is not one of base64url, json, none")
	}
}

// jsonBody looks into a string only where there is something to say about it.
func (c *checker) jsonBody(v Value, name string) {
	if v.Kind() != String || !c.says(ruleB07) {
		return
	}
	if k := (Body{raw: v, encoding: EncodingJSON}).innerJSON().Kind(); k == Object || k == Array {
		c.add(ruleB07, name, typeValue, "the value stands as JSON text in a string")
	}
}

func (c *checker) textBody(v Value, name, encoding string) {
	switch k := v.Kind(); {
	case k == Object, k == Array:
		c.addAs(ruleB04, c.or(refusal, silent), name, typeStr, "")
		return
	case k != String:
		c.add(ruleB04, name, typeStr, "")
		return
	case encoding == "none":
		return
	}
	ok, plain := inspectBase64(v.inner())
	switch {
	case !ok:
		c.add(ruleB05, name, typeValue, "the body does not decode as base64url")
	case !plain:
		c.add(ruleB06, name, typeValue, "the body has padding, white space or the standard alphabet of base64")
	}
}

// mediatype checks the type's form; what follows the first semicolon is free.
func (c *checker) mediatype(inline bool, severe weight) {
	v, f := c.m.either(fMediatype, fMimetype)
	name := fieldNames[f]
	s, isText := v.Text()
	essence, _, _ := strings.Cut(s, ";")
	switch {
	case v.isEmpty():
		if inline {
			c.missing(ruleD17, "mediatype")
		}
	case !isText:
		c.addAs(ruleM01, severe, name, typeStr, "")
	case !isMediatype(strings.TrimSpace(essence)):
		c.addAs(ruleM01, severe, name, typeValue, "%s has invalid format", name)
	}
}

// external checks where external content is, and its hash.
func (c *checker) external(url Value, severe weight) {
	s, isText := url.Text()
	switch scheme := schemeOf(s); {
	case url.isEmpty():
		c.hashes()
		return
	case !isText:
		c.addAs(ruleH01, severe, "url", typeStr, "")
	case scheme == "":
		c.addAs(ruleH01, severe, "url", typeValue, "url does not look like a valid URL")
	case !strings.EqualFold(scheme, "https"):
		c.add(ruleH05, "url", typeValue, "the url's scheme is not https")
	}
	if !c.hashes() {
		c.missing(ruleH02, "content_hash")
	}
}

// hashes checks content_hash, and reports whether there is one, or its older form.
func (c *checker) hashes() bool {
	v := c.m.get(fContentHash)
	switch {
	case v.isEmpty():
		return !c.m.get(fAlg).isEmpty() && !c.m.get(fSignature).isEmpty()
	case v.Kind() != Array:
		c.hash("content_hash", v)
		return true
	}
	c.enter("content_hash")
	defer c.leave()
	for n, e := range v.Elements() {
		c.enterIndex(n)
		c.hash("", e)
		c.leave()
	}
	return true
}

func (c *checker) hash(name string, v Value) {
	s, isText := v.Text()
	h, ok := parseContentHash(s)
	switch size := digestSize(h.Alg); {
	case !isText:
		c.add(ruleH03, name, typeStr, "")
	case !ok:
		c.add(ruleH03, name, typeValue, "the hash is not of the form algorithm-digest")
	case size == 0:
		c.add(ruleH04, name, typeValue, "the hash algorithm is not known")
	case size != len(h.Digest), h.String() != s:
		c.add(ruleH03, name, typeValue, "the digest is not one of its algorithm in base64url")
	}
}

// noContent reports a part that has neither a body nor a url.
func (c *checker) noContent(id rule) {
	body, _ := c.m.either(fBody, fTranscript)
	if body.emptyBody(mustText(c.m.get(fEncoding))) && c.m.get(fURL).isEmpty() {
		c.add(id, "", typeValue, "there is neither a body nor a url")
	}
}

// indexes checks an index or a list of them against the number of what they count.
func (c *checker) indexes(id rule, name string, v Value, n int, of string) {
	if v.Kind() != Array {
		if v != nil {
			c.oneIndex(id, name, v, n, of)
		}
		return
	}
	c.enter(name)
	defer c.leave()
	for i, e := range v.Elements() {
		c.enterIndex(i)
		c.oneIndex(id, "", e, n, of)
		c.leave()
	}
}

func (c *checker) oneIndex(id rule, name string, v Value, n int, of string) {
	i, ok := v.integer()
	switch {
	case !ok:
		c.add(id, name, typeInteger, "")
	case i < 0 || i >= n:
		c.add(id, name, typeValue, "the index is out of range (%s has %d entries)", of, n)
	}
}
