package vcon

import (
	"iter"
	"slices"
)

// Analysis is what somebody found out from dialogs or attachments.
type Analysis struct{ holder }

// Analyses are the analyses with their indexes. An element that is no object is passed over.
func (v *VCon) Analyses() iter.Seq2[int, Analysis] {
	return func(yield func(int, Analysis) bool) {
		for i, e := range v.objects("analysis") {
			if !yield(i, Analysis{holder{e}}) {
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
