package vcon

import (
	"iter"
	"slices"
)

// Analysis is what somebody found out from dialogs or attachments.
type Analysis struct{ part }

// Analyses are the analyses with their indexes. An element that is no object is passed over.
func (v *VCon) Analyses() iter.Seq2[int, Analysis] {
	return func(yield func(int, Analysis) bool) {
		for i, e := range v.objects("analysis") {
			if !yield(i, Analysis{e}) {
				return
			}
		}
	}
}

// Type is "transcript", "summary" and the like.
func (a Analysis) Type() string { return a.Text("type") }

// Vendor is who made it.
func (a Analysis) Vendor() string { return a.Text("vendor") }

// Product is what made it; documents before 0.3.0 call it vendor_product.
func (a Analysis) Product() string { return a.Text("product") }

// Schema is the format of the body; earlier vendor_schema, schema_version.
func (a Analysis) Schema() string { return a.Text("schema") }

// Dialogs are the indexes of the dialogs it derives from.
func (a Analysis) Dialogs() []int { return slices.Collect(a.Get("dialog").integers()) }

// Attachments are the indexes of the attachments it derives from.
func (a Analysis) Attachments() []int { return slices.Collect(a.Get("attachment").integers()) }

// Mediatype is the content's media type as written, parameters included.
func (a Analysis) Mediatype() string { return a.Text("mediatype") }

// Filename is the content's name.
func (a Analysis) Filename() string { return a.Text("filename") }

// URL is where external content is; "" = none. It is hostile input.
func (a Analysis) URL() string { return a.Text("url") }

// ContentHashes are the hashes of the external content.
func (a Analysis) ContentHashes() []ContentHash { return a.contentHashes() }

// Body is the inline content; documents of 0.0.1 call it transcript.
func (a Analysis) Body() Body { return BodyOf(a.Value()) }
