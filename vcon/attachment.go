package vcon

import (
	"iter"
	"time"
)

// Attachment is something that belongs to the conversation.
type Attachment struct{ holder }

// Attachments are the attachments with their indexes. An element that is no object is passed over.
func (v *VCon) Attachments() iter.Seq2[int, Attachment] {
	return func(yield func(int, Attachment) bool) {
		for i, e := range v.objects("attachments") {
			if !yield(i, Attachment{holder{e}}) {
				return
			}
		}
	}
}

// Purpose says what it is for; documents before 0.4.0 call it type.
func (a Attachment) Purpose() string { return a.Text("purpose") }

// Start is when it was brought; false when absent or not readable.
func (a Attachment) Start() (time.Time, bool) { return a.time("start") }

// Party is the index of who brought it.
func (a Attachment) Party() (int, bool) { return a.index("party") }

// Dialog is the index of the dialog it belongs to.
func (a Attachment) Dialog() (int, bool) { return a.index("dialog") }
