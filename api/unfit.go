package api

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/vconduit/vconduit/vcon"
)

// placeholder stands in for a uuid that is missing or wrong, so that the rest of the document can be checked too.
const placeholder = `"uuid":"00000000-0000-8000-8000-000000000000"`

// thorough is the size up to which a document without a usable uuid is checked to its end: that takes a copy.
const thorough = 1 << 20

// unfitProblems says everything that is wrong with a text that is JSON but no document.
func (c *call) unfitProblems(text []byte, why *vcon.ParseError, loc ...any) []problem {
	if topKind(text) != vcon.Object {
		return []problem{fault(typeDict, loc...)}
	}
	noUUID := why.Rule == "T01" && why.Pointer == "/uuid" || why.Rule == "V04"
	var members map[string]json.RawMessage
	if !noUUID || json.Unmarshal(text, &members) != nil {
		return []problem{fromFinding(why.Finding(), loc...)}
	}
	kind := typeMissing
	if raw, has := members["uuid"]; has {
		_, kind = uuidOf(raw)
	}
	first := fault(orDefault(kind, typeUUID), append(slices.Clip(loc), "uuid")...)
	if len(text) > thorough {
		return []problem{first}
	}
	rest := c.restProblems(text, len(members) > 0, loc...)
	at := 0 // the Python server's order of fields: vcon, uuid, the others
	if len(rest) > 0 && len(rest[0].Loc) > len(loc) && rest[0].Loc[len(loc)] == "vcon" {
		at = 1
	}
	return slices.Insert(rest, at, first)
}

// restProblems checks the text with a good uuid put in behind everything else: of equal members the last one counts.
func (c *call) restProblems(text []byte, more bool, loc ...any) []problem {
	open, _ := bytes.CutSuffix(bytes.TrimRight(text, " \t\r\n"), []byte{'}'})
	patched := bytes.Clone(open)
	if more {
		patched = append(patched, ',')
	}
	doc, err := vcon.ParseWith(append(append(patched, placeholder...), '}'), vcon.Limits{Bytes: c.set.BodyLimit})
	if err != nil {
		return nil
	}
	var rest []problem
	for _, p := range c.validate(doc, loc...) {
		if len(p.Loc) == len(loc) || p.Loc[len(loc)] != "uuid" {
			rest = append(rest, p)
		}
	}
	return rest
}
