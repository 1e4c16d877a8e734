package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// What a record has room for.
const (
	maxItems  = 200  // edits; requests; routes; created vCons
	maxText   = 512  // bytes of a path, URL or name
	maxGrants = 8192 // bytes
)

// traceOf is what an event leaves in the log. Seq and Last are the log's to fill in.
func traceOf(e chain.Event) *Trace {
	t := &Trace{
		VCon: e.ID.String(), Chain: clip(e.Chain), List: clip(e.List), Run: hex.EncodeToString(e.Run[:]), Attempt: e.Attempt,
		Index: e.Index, Step: clip(e.Step), Link: clip(e.Link), Module: clip(e.Module), Digest: e.Digest,
		In: document(e.In, e.InSum), Out: document(e.Out, e.OutSum),
		Outcome: string(e.Outcome), Reason: e.Reason, Class: string(e.Class), Began: e.Began.UTC(), Took: e.Took.Microseconds(),
	}
	if e.Index >= 0 {
		grants := e.Grants.Describe()
		t.GrantsSum = hexSum(grants)
		if len(grants) <= maxGrants {
			t.Grants = grants
		}
	}
	for _, edit := range within(t, e.Edits) {
		t.Edits = append(t.Edits, editOf(edit))
	}
	for _, r := range within(t, e.Requests) {
		t.Requests = append(t.Requests, Request{Method: r.Method, URL: clip(r.URL), Status: r.Status, Sent: r.Sent,
			Received: r.Received, At: r.At.UTC(), Took: r.Took.Microseconds(), Remembered: r.Remembered})
	}
	for _, text := range within(t, e.Denied) {
		t.Denied = append(t.Denied, clip(text))
	}
	t.effects(e.Effects)
	return t
}

func (t *Trace) effects(e chain.Effects) {
	for _, list := range within(t, e.Routes) {
		t.Routes = append(t.Routes, clip(list))
	}
	for _, c := range within(t, e.Creates) {
		made := Created{Document: Document{VCon: c.ID.String(), Sum: hexSum(c.Text), Size: len(c.Text)}, Current: c.Current}
		for _, list := range c.Lists[:min(len(c.Lists), 4)] {
			made.Lists = append(made.Lists, clip(list))
		}
		t.Omitted += len(c.Lists) - len(made.Lists)
		t.Creates = append(t.Creates, made)
	}
	if e.Expire != nil {
		seconds := int64(e.Expire.Seconds())
		t.Expire = &seconds
	}
}

// within is as much of a list as there is room for; the rest is counted.
func within[T any](t *Trace, list []T) []T {
	if len(list) > maxItems {
		t.Omitted += len(list) - maxItems
		return list[:maxItems]
	}
	return list
}

func document(v *vcon.VCon, sum [sha256.Size]byte) Document {
	return Document{VCon: v.ID().String(), Sum: hex.EncodeToString(sum[:]), Size: len(v.Bytes())}
}

func editOf(e vcon.Edit) Edit {
	out := Edit{Op: e.Op(), Path: clip(e.Path())}
	if sum, size := e.Sum(); size > 0 {
		out.Sum, out.Size = hex.EncodeToString(sum[:]), size
	}
	if was, ok := e.Replaced(); ok {
		out.Was = hex.EncodeToString(was[:])
	}
	return out
}

func hexSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// clip bounds a text, and leaves it UTF-8.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "..."
}
