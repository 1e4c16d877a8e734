package vcon

import (
	"bytes"
	"slices"
)

// header checks the members that describe the vCon itself.
func (c *checker) header(id ID) {
	if id[6]>>4 != 8 {
		c.add(ruleT02, "uuid", typeValue, "the uuid is not version 8")
	}
	created, hasCreated := c.moment(&c.top, "created_at", fCreatedAt)
	if !hasCreated && c.top.get(fCreatedAt).isEmpty() {
		c.missing(ruleT03, "created_at")
	}
	updated, hasUpdated := c.moment(&c.top, "updated_at", fUpdatedAt)
	if hasCreated && hasUpdated && updated.Before(created) {
		c.add(ruleT07, "updated_at", typeValue, "updated_at lies before created_at")
	}
	c.version(c.top.get(fVcon))
}

func (c *checker) version(v Value) {
	if v == nil {
		return
	}
	c.add(ruleT06, "vcon", typeValue, "the member vcon is deprecated")
	s, ok := v.Text()
	switch {
	case !ok:
		c.add(ruleT05, "vcon", typeStr, "")
	case s == "0.4.0":
	case s == "0.0.1", s == "0.0.2", s == "0.3.0":
		c.addAs(ruleT05, c.or(refusal, silent), "vcon", typeValue, "the version is an old one, 0.4.0 is current")
	default:
		c.add(ruleT05, "vcon", typeValue, "the version is not known, 0.4.0 is current")
	}
}

// amended checks the reference to the instance that this one adds to.
func (c *checker) amended(v Value, name string) {
	if v.isEmpty() || v.Kind() != Object {
		return
	}
	c.reference(v, name)
	ref := newPart(v, elsewhere)
	if ref.Get("uuid").isEmpty() && ref.Get("url").isEmpty() {
		c.add(ruleT15, name, typeValue, "neither uuid nor url says which instance was amended")
	}
	if !c.top.get(fRedacted).isEmpty() {
		c.add(ruleT11, name, typeValue, "a vCon cannot be both redacted and amended")
	}
}

// instance checks the reference to the instance that this one leaves things out of.
func (c *checker) instance(f field, name string) {
	v := c.top.get(f)
	if v.isEmpty() || v.Kind() != Object {
		return
	}
	c.reference(v, name)
	if newPart(v, elsewhere).Get("type").isEmpty() {
		c.enter(name)
		c.missing(ruleT12, "type")
		c.leave()
	}
}

func (c *checker) reference(v Value, name string) {
	ref := newPart(v, elsewhere)
	if !ref.Get("url").isEmpty() && ref.Get("content_hash").isEmpty() {
		c.enter(name)
		c.missing(ruleT14, "content_hash")
		c.leave()
	}
}

// names has what strict mode says of members that are old, empty or unknown.
func (c *checker) names(m *members, at area) {
	if c.mode != Strict {
		return
	}
	for _, f := range m.present {
		c.oldName(m, f, at)
		c.leftover(m, f, at)
		if !slices.Contains(membersOf(at), f) && !c.ext.define(f) {
			c.unknownMember(fieldNames[f])
		}
	}
	for i := range m.unknown {
		if !c.ext.define(fUnknown) {
			c.unknownMember(m.unknown[i].name(m.object))
		}
	}
}

func (c *checker) unknownMember(name string) {
	c.add(ruleT17, word(name), typeValue, "the member is not known, and no extension is named that could define it")
}

// oldName reports a name of an older draft; with the present name there too, the two must say the same.
func (c *checker) oldName(m *members, f field, at area) {
	name := fieldNames[f]
	for _, r := range renames {
		if r.at&at == 0 || r.old != name || at == atAttachment && f == fType {
			continue
		}
		now := m.known[fieldOf([]byte(r.now))]
		if now != nil && !bytes.Equal(now, m.known[f]) {
			c.addAs(ruleT16, refusal, name, typeValue, "the member contradicts %s, which is its present name", r.now)
			return
		}
		c.add(ruleT16, name, typeValue, "the member is called %s now", r.now)
		return
	}
	if old := f == fAlg || f == fSignature || f == fKey; old && at&(atDialog|atAnalysis|atAttachment) != 0 {
		c.add(ruleT16, name, typeValue, "alg and signature have become content_hash")
	}
}

// leftover reports members that say nothing.
func (c *checker) leftover(m *members, f field, at area) {
	v, name := m.known[f], fieldNames[f]
	switch {
	case at == atTop && f == fRedacted && v.Kind() == Object && v.isEmpty():
		c.addAs(ruleT13, refusal, name, typeValue, "an empty redacted says nothing")
	case at == atTop && f == fAmended && v.isEmpty(), at == atTop && f == fGroup:
		c.add(ruleT13, name, typeValue, "the member says nothing")
	case v.Kind() == Null && !(at == atTop && f >= fParties && f <= fAttachments):
		c.add(ruleT13, name, typeNone, "")
	}
}

// membersOf are the members that the drafts define for an object, old names included.
func membersOf(at area) []field {
	switch at {
	case atTop:
		return []field{fVcon, fUUID, fExtensions, fCritical, fMustSupport, fCreatedAt, fUpdatedAt, fSubject, fRedacted,
			fAmended, fAppended, fGroup, fParties, fDialog, fAnalysis, fAttachments}
	case atParty:
		return []field{fTel, fSip, fStir, fMailto, fName, fDid, fValidation, fGmlpos, fCivicaddress, fUUID, fType, fOrg,
			fDept, fRole, fContactList}
	case atDialog:
		return []field{fType, fStart, fDuration, fParties, fOriginator, fRecordings, fRecordingSet, fMediatype, fMimetype,
			fFilename, fBody, fURL, fEncoding, fContentHash, fAlg, fSignature, fKey, fDisposition, fSessionID,
			fPartyHistory, fTransferee, fTransferor, fOriginal, fTargetDialog, fTargetDialogOld, fTransferTarget,
			fTransferTargetOld, fConsultation, fApplication, fMessageID, fInteraction}
	case atAnalysis:
		return []field{fType, fVendor, fDialog, fAttachment, fMediatype, fMimetype, fFilename, fProduct, fVendorProduct,
			fSchema, fVendorSchema, fSchemaVersion, fBody, fTranscript, fURL, fEncoding, fContentHash, fAlg, fSignature, fKey}
	case atAttachment:
		return []field{fPurpose, fType, fStart, fParty, fDialog, fMediatype, fMimetype, fFilename, fBody, fURL, fEncoding,
			fContentHash, fAlg, fSignature, fKey}
	}
	return nil
}
