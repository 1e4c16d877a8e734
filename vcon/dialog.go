package vcon

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Dialog is one stretch of conversation.
type Dialog struct{ holder }

// Dialogs are the dialogs with their indexes. An element that is no object is passed over.
func (v *VCon) Dialogs() iter.Seq2[int, Dialog] {
	return func(yield func(int, Dialog) bool) {
		for i, e := range v.objects("dialog") {
			if !yield(i, Dialog{holder{e}}) {
				return
			}
		}
	}
}

// Type is "recording", "text" and the like.
func (d Dialog) Type() string { return d.Text("type") }

// Start is when it began; false when absent or not readable.
func (d Dialog) Start() (time.Time, bool) { return d.time("start") }

// Duration is its length; a numeric string counts as the number. False when absent, negative or no number.
func (d Dialog) Duration() (time.Duration, bool) {
	raw := string(d.Get("duration"))
	if s, ok := d.Get("duration").Text(); ok {
		raw = strings.TrimSpace(s)
	}
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil || !(f >= 0 && f < maxDuration) {
		return 0, false
	}
	return time.Duration(f * float64(time.Second)), true
}

// maxDuration is what a time.Duration can hold, in seconds: 290 years.
const maxDuration = float64(1<<63-1) / float64(time.Second)

// Parties are the indexes of who takes part, whichever of the three shapes the member has: one integer, a list, or a list
// per media channel.
func (d Dialog) Parties() []int { return slices.Collect(d.Get("parties").integers()) }

// Originator is the index of who began: the member, else the first party. False when there is neither.
func (d Dialog) Originator() (int, bool) {
	if i, ok := d.index("originator"); ok {
		return i, true
	}
	for i := range d.Get("parties").integers() {
		return i, true
	}
	return 0, false
}

// Disposition says why an incomplete dialog is one.
func (d Dialog) Disposition() string { return d.Text("disposition") }

// time reads a date member.
func (o part) time(name string) (time.Time, bool) {
	t, form := instantOf(o.Get(name))
	return t, form != timeBad
}
