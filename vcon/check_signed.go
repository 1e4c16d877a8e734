package vcon

import (
	"bytes"
	"strings"
)

// signed checks the shape of a JWS, what its headers say, and the payload, whose findings stand below "/payload".
func (c *checker) signed(v *VCon) {
	c.m.read(v.root)
	c.repeats(&c.m)
	signatures := c.m.get(fSignatures)
	if signatures.Kind() != Array || signatures.isEmpty() {
		c.add(ruleS01, "signatures", typeList, "")
	}
	c.enter("signatures")
	for n, e := range signatures.Elements() {
		c.enterIndex(n)
		c.signature(newPart(e, elsewhere), v.id)
		c.leave()
	}
	c.leave()
	c.enter("payload")
	c.unsigned(v.payload)
	c.leave()
}

func (c *checker) signature(s part, id ID) {
	if Value(s.at.text).Kind() != Object {
		c.add(ruleS01, "", typeDict, "")
		return
	}
	c.encoded(s, "signature", true)
	protected, open := c.headers(s.Get("protected"), "protected", s.Get("header"), "header")
	both := [...]part{protected, open}
	alg, certified := "", false
	for _, h := range both {
		if a := h.Text("alg"); alg == "" {
			alg = a
		}
		certified = certified || !h.Get("x5c").isEmpty() || !h.Get("x5u").isEmpty()
		if u := h.Text("x5u"); u != "" && !strings.EqualFold(schemeOf(u), "https") {
			c.add(ruleS04, "", typeValue, "the certificate's x5u is not an https URL")
		}
		c.headerID(h, id)
	}
	if !certified {
		c.add(ruleS02, "", typeValue, "no header has x5c or x5u")
	}
	if alg == "" || strings.EqualFold(alg, "none") || len(alg) >= 2 && strings.EqualFold(alg[:2], "HS") {
		c.add(ruleS05, "", typeValue, "alg is missing, none, or not an asymmetric algorithm")
	}
}

// headerID compares the uuid of a header with the payload's.
func (c *checker) headerID(h part, id ID) {
	v := h.Get("uuid")
	if v.isEmpty() {
		return
	}
	if other, err := ParseID(mustText(v)); err != nil || other != id {
		c.add(ruleS06, "", typeValue, "the header's uuid differs from the payload's")
	}
}

// headers checks a protected and an open header and gives both as objects.
func (c *checker) headers(protected Value, protectedName string, open Value, openName string) (p, o part) {
	if protected == nil && open == nil {
		c.add(ruleS01, protectedName, typeMissing, "")
	}
	if protected != nil {
		p = newPart(protectedHeader(protected), elsewhere)
		if p.at.text == nil {
			c.add(ruleS01, protectedName, typeValue, "the header is not a JSON object in base64url")
		}
	}
	if open != nil && open.Kind() != Object {
		c.add(ruleS01, openName, typeDict, "")
		open = nil
	}
	o = newPart(open, elsewhere)
	c.disjoint(p, o, openName)
	return p, o
}

// disjoint reports a parameter that stands in both headers.
func (c *checker) disjoint(p, o part, name string) {
	if !c.says(ruleS07) {
		return
	}
	inProtected := make(map[string]bool)
	for parameter := range p.Value().Members() {
		inProtected[parameter] = true
	}
	for parameter := range o.Value().Members() {
		if inProtected[parameter] {
			c.add(ruleS07, name, typeValue, "a parameter stands both in the protected header and in this one")
			return
		}
	}
}

// encoded checks a member that is to be base64url.
func (c *checker) encoded(o part, name string, needed bool) {
	v := o.Get(name)
	switch {
	case v == nil:
		if needed {
			c.missing(ruleS01, name)
		}
	case v.Kind() != String:
		c.add(ruleS01, name, typeStr, "")
	default:
		if _, plain := inspectBase64(v.inner()); !plain || bytes.IndexByte(v, '\\') >= 0 {
			c.add(ruleS01, name, typeValue, "the value is not base64url")
		}
	}
}

// encrypted checks the shape of a JWE; what is inside needs a key.
func (c *checker) encrypted(root place) {
	c.m.read(root)
	c.repeats(&c.m)
	jwe := part{root}
	for _, name := range [...]string{"iv", "ciphertext", "tag"} {
		c.encoded(jwe, name, true)
	}
	protected, open := c.headers(jwe.Get("protected"), "protected", jwe.Get("unprotected"), "unprotected")
	c.contentType(protected)
	c.contentType(open)
	recipients := jwe.Get("recipients")
	if recipients.Kind() != Array || recipients.isEmpty() {
		c.add(ruleS01, "recipients", typeList, "")
	}
	c.enter("recipients")
	defer c.leave()
	for n, e := range recipients.Elements() {
		c.enterIndex(n)
		c.recipient(e, protected)
		c.leave()
	}
}

func (c *checker) recipient(e Value, protected part) {
	if e.Kind() != Object {
		c.add(ruleS01, "", typeDict, "")
		return
	}
	r := newPart(e, elsewhere)
	c.encoded(r, "encrypted_key", false)
	if h := r.Get("header"); h != nil && h.Kind() != Object {
		c.add(ruleS01, "header", typeDict, "")
	} else {
		c.disjoint(protected, newPart(h, elsewhere), "header")
	}
}

func (c *checker) contentType(h part) {
	switch h.Text("cty") {
	case "", "application/vcon", "application/vcon+gzip":
	default:
		c.add(ruleS09, "", typeValue, "cty is neither application/vcon nor application/vcon+gzip")
	}
}
