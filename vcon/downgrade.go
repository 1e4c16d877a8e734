package vcon

import "fmt"

// Downgrade is the document as clients of draft 0.0.1 expect it: the older member names, native JSON values under
// encoding "none" in analyses and attachments, the members group, redacted and appended always there, and vcon "0.0.1".
// What it does not touch keeps its bytes. A signed or encrypted vCon, and the empty version, give v itself.
// Error: *VersionError for any version but "0.0.1".
func (v *VCon) Downgrade(version string) (*VCon, error) {
	switch version {
	case "":
		return v, nil
	case "0.0.1":
		return v.convert(downgradeTop, downgradePart)
	}
	return nil, &VersionError{Version: version}
}

// VersionError says that there is no way to a version of the format.
type VersionError struct{ Version string }

// Error has the words that operators of the Python server know.
func (e *VersionError) Error() string {
	return "Unsupported egress_format_version " + pythonRepr(e.Version) + "; supported: ['0.0.1']"
}

// Upgrade is the document with the names of the current draft, as the Python server writes it: empty group and redacted
// left out, vcon "0.4.0", and in analyses and attachments encoding "json" for bodies that are objects or arrays. The
// values themselves stay (drafts from core-03 on want them so, not as text in a string). What it does not touch keeps
// its bytes; a document that is so already, a signed and an encrypted one give v itself.
func (v *VCon) Upgrade() (*VCon, error) { return v.convert(upgradeTop, upgradePart) }

// convert runs one function over the document's object and one over each dialog, analysis and attachment.
func (v *VCon) convert(top func(*objectEdit), each func(*objectEdit, area)) (*VCon, error) {
	if v.form != Unsigned {
		return v, nil
	}
	w := &rewriter{}
	root := w.object(v.root.text, v.before)
	for i := range root.kids {
		if a := atTop.member(root.names[i]); a != elsewhere && a != inParties {
			w.elements(root.value(i), root.offset(i), a.element(), each)
		}
	}
	top(root)
	root.close()
	if len(w.edits) == 0 {
		return v, nil
	}
	return v.rewritten(w.apply(v.text))
}

// rewritten parses the new text; the limits were meant for what partners send, and leave room for our own additions.
func (v *VCon) rewritten(text []byte) (*VCon, error) {
	l := v.limits
	l.Bytes = max(l.Bytes, int64(len(text)))
	l.Elements = max(l.Elements, len(text)) // no text has more values than bytes
	next, err := ParseWith(text, l)
	if err != nil {
		return nil, fmt.Errorf("convert vcon %s: %w", v.id, err)
	}
	next.limits = v.limits
	return next, nil
}

func (w *rewriter) elements(list Value, at int, a area, each func(*objectEdit, area)) {
	if list.Kind() != Array {
		return
	}
	for c := open(list); c.next(); {
		if e := list[c.at.start:c.at.end]; e.Kind() == Object {
			o := w.object(e, at+int(c.at.start))
			each(o, a)
			o.close()
		}
	}
}

func downgradeTop(o *objectEdit) {
	o.renameUnless("amended", "appended")
	o.renameUnless("critical", "must_support")
	o.set("vcon", `"0.0.1"`)
	o.add("group", `[]`)
	o.add("redacted", `{}`)
	o.add("appended", `null`)
}

func downgradePart(o *objectEdit, a area) {
	o.renameUnless("schema", "schema_version")
	o.renameUnless("mediatype", "mimetype")
	o.renameUnless("critical", "must_support")
	if a == atDialog {
		return
	}
	if a == atAttachment && !o.has("type") {
		o.rename("purpose", "type")
	}
	body := o.get("body")
	if mustText(o.get("encoding")) != "json" || body.Kind() == Absent {
		return
	}
	if body.Kind() == String {
		inner := nestedJSON(body)
		if inner == nil {
			return
		}
		o.set("body", string(inner))
	}
	o.set("encoding", `"none"`)
}

// partDepth is how deep the body of an analysis or attachment stands in the document.
const partDepth = 3

// nestedJSON is the value in a string that may take the string's place without passing the limit of nesting.
func nestedJSON(body Value) Value {
	l := Limits{}.withDefaults()
	s := scanner{text: []byte(mustText(body)), depth: l.Depth - partDepth, number: l.Number, values: l.Elements}
	start, end := s.whole()
	if end < 0 {
		return nil
	}
	return s.text[start:end]
}

func upgradeTop(o *objectEdit) {
	o.renameUnless("appended", "amended")
	o.renameUnless("must_support", "critical")
	o.set("vcon", `"0.4.0"`)
	if v := o.get("group"); v.Kind() == Array && v.isEmpty() {
		o.remove("group")
	}
	if v := o.get("redacted"); v.Kind() == Object && v.isEmpty() {
		o.remove("redacted")
	}
}

func upgradePart(o *objectEdit, a area) {
	o.renameUnless("schema_version", "schema")
	o.renameUnless("mimetype", "mediatype")
	o.renameUnless("must_support", "critical")
	if a == atDialog {
		return
	}
	if a == atAttachment && !o.has("purpose") {
		o.rename("type", "purpose")
	}
	if k := o.get("body").Kind(); k == Object || k == Array {
		o.set("encoding", `"json"`)
	}
}
