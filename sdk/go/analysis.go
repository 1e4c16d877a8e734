package link

import "encoding/json"

// Analysis is an analysis to be added. Type and Vendor should be there.
type Analysis struct {
	Type      string // "transcript", "summary" …
	Dialog    any    // index, list of indexes, or nil for the whole conversation
	Vendor    string
	Product   string
	Schema    string
	MediaType string
	Body      any // a string is kept as text, []byte as base64url, anything else as a JSON value
}

// AddAnalysis appends an analysis.
//
//	err := c.AddAnalysis(link.Analysis{Type: "summary", Dialog: 0, Vendor: "acme", Body: summary})
func (c *Call) AddAnalysis(a Analysis) error {
	w := wireAnalysis{Type: a.Type, Dialog: a.Dialog, MediaType: a.MediaType, Vendor: a.Vendor, Product: a.Product, Schema: a.Schema}
	w.Encoding, w.Body = encoded(a.Body)
	return c.At("analysis").Append(w)
}

// wireAnalysis is an Analysis as it stands in a vCon, its members in the order of the draft.
type wireAnalysis struct {
	Type      string `json:"type"`
	Dialog    any    `json:"dialog,omitempty"`
	MediaType string `json:"mediatype,omitempty"`
	Vendor    string `json:"vendor,omitempty"`
	Product   string `json:"product,omitempty"`
	Schema    string `json:"schema,omitempty"`
	Encoding  string `json:"encoding"`
	Body      any    `json:"body"`
}

// encoded gives a body its encoding.
func encoded(body any) (encoding string, value any) {
	switch body := body.(type) {
	case string:
		return "none", body
	case []byte:
		return "base64url", base64URL(body)
	}
	return "json", body
}

// Part says which array of the vCon an element goes to.
type Part int32

// The parts with bodies.
const (
	Dialogs     Part = 0
	Analyses    Part = 1
	Attachments Part = 2
)

// AppendBody appends an element whose body is the content of a stream, host to host. meta are its other members;
// without a member encoding, text media types are kept as text and all others as base64url.
//
//	err := c.AppendBody(link.Dialogs, map[string]any{"type": "recording", "start": start, "mediatype": "audio/wav"}, audio)
func (c *Call) AppendBody(to Part, meta any, s *Stream) error {
	text, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	return c.done("doc_append_body", c.Host.DocAppendBody(1, int32(to), text, s.handle))
}
