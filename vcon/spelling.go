package vcon

// area tells which object of the core a place in the document is, as far as names differ between drafts there.
type area uint16

const (
	elsewhere area = 0
	atTop     area = 1 << iota
	inParties
	inDialog
	inAnalysis
	inAttachments
	inHistory
	atParty
	atDialog
	atAnalysis
	atAttachment
	atHistory
)

// rename is one member whose name changed between drafts, one name for one.
type rename struct {
	at       area
	old, now string
}

// renames is the one table of spellings: pointers, views and conversions all read it. Where two old names became one,
// both stand here, the more recent first. Changes that are more than a name (alg and signature to content_hash) do not.
var renames = [...]rename{
	{atDialog | atAnalysis | atAttachment, "mimetype", "mediatype"},
	{atAttachment, "type", "purpose"},
	{atTop, "appended", "amended"},
	{atTop, "must_support", "critical"},
	{atDialog, "transfer-target", "transfer_target"},
	{atDialog, "target-dialog", "target_dialog"},
	{atDialog, "interaction", "interaction_id"},
	{atHistory, "dtmf", "button"},
	{atAnalysis, "schema_version", "schema"},
	{atAnalysis, "vendor_schema", "schema"},
	{atAnalysis, "vendor_product", "product"},
	{atAnalysis, "transcript", "body"},
}

// otherName gives the n-th other spelling of a member name in this area, n from 0; "" when there are no more.
func (a area) otherName(name string, n int) string {
	for i := range renames {
		r := &renames[i]
		if r.at&a == 0 {
			continue
		}
		other := ""
		switch name {
		case r.now:
			other = r.old
		case r.old:
			other = r.now
		}
		if other != "" {
			if n == 0 {
				return other
			}
			n--
		}
	}
	return ""
}

// member is the area that a member's value stands in.
func (a area) member(name string) area {
	switch a {
	case atTop:
		switch name {
		case "parties":
			return inParties
		case "dialog":
			return inDialog
		case "analysis":
			return inAnalysis
		case "attachments":
			return inAttachments
		}
	case atDialog:
		if name == "party_history" {
			return inHistory
		}
	}
	return elsewhere
}

// element is the area of an array's elements.
func (a area) element() area {
	if a&(inParties|inDialog|inAnalysis|inAttachments|inHistory) == 0 {
		return elsewhere
	}
	return a << 5
}
