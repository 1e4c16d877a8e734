package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// progress translates what a chain did for the store, and adds its effects to those of the whole run.
func (w *work) progress(p chain.Progress) queue.Progress {
	q := queue.Progress{Edits: p.Edits}
	for _, d := range p.Done {
		q.Done = append(q.Done, queue.Step(d))
	}
	q.Effects = queue.Effects{Halted: p.Halted, Routes: p.Effects.Routes, Expire: p.Effects.Expire}
	for _, c := range p.Effects.Creates {
		q.Effects.Creates = append(q.Effects.Creates, queue.Create{Text: c.Text, Lists: c.Lists, Current: c.Current})
	}
	w.effects = mergeEffects(w.effects, q.Effects)
	return q
}

// mergeEffects puts b behind a. Neither is changed.
func mergeEffects(a, b queue.Effects) queue.Effects {
	m := queue.Effects{Halted: a.Halted || b.Halted, Expire: a.Expire}
	if b.Expire != nil {
		m.Expire = b.Expire
	}
	for _, l := range slices.Concat(a.Routes, b.Routes) {
		if !slices.Contains(m.Routes, l) {
			m.Routes = append(m.Routes, l)
		}
	}
	m.Creates = slices.Concat(a.Creates, b.Creates)
	return m
}

// made is a vCon that links created.
type made struct {
	doc *vcon.VCon
	queue.Create
}

// created are the vCons that the run made, each once: a later text of the same uuid replaces an earlier one.
func (w *work) created() ([]made, error) {
	var all []made
	for _, c := range w.effects.Creates {
		doc, err := vcon.Parse(c.Text)
		if err != nil {
			return nil, fmt.Errorf("vcon created by a link: %w", err)
		}
		m := made{doc, c}
		if i := slices.IndexFunc(all, func(o made) bool { return o.doc.ID() == doc.ID() }); i >= 0 {
			all[i] = m
		} else {
			all = append(all, m)
		}
	}
	return all, nil
}

// current is the created vCon that took the place of the leased one; nil: none did.
func (w *work) current() (*chain.Created, error) {
	all, err := w.created()
	for _, m := range all {
		if m.Current {
			return &chain.Created{ID: m.doc.ID(), Text: m.Text, Lists: m.Lists, Current: true}, err
		}
	}
	return nil, err
}

func stepNames(steps []queue.Step) []string {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = string(s)
	}
	return names
}

// unknownCritical names an extension that the vCon requires and that this server does not know; "" when there is none
// or the settings do not mind.
func (w *work) unknownCritical() string {
	if w.plan.Settings.RunCritical {
		return ""
	}
	for _, name := range w.Doc.Critical() {
		if !vcon.SupportsExtension(name) && !slices.Contains(w.plan.Settings.Extensions, name) {
			return name
		}
	}
	return ""
}

// traceParent is a lease's trace context in W3C form: as it is, or made from the JSON that the Python server keeps.
func traceParent(context []byte) string {
	context = bytes.TrimSpace(context)
	if len(context) == 0 || context[0] != '{' {
		return string(context)
	}
	var c struct {
		Trace string `json:"trace_id"`
		Span  string `json:"span_id"`
		Flags int    `json:"trace_flags"`
	}
	if json.Unmarshal(context, &c) != nil || len(c.Trace) != 32 || len(c.Span) != 16 {
		return ""
	}
	return fmt.Sprintf("00-%s-%s-%02x", c.Trace, c.Span, c.Flags&0xff)
}

// memo keeps the answers of paid calls with the run.
type memo struct{ w *work }

func (m memo) Load(ctx context.Context, key [32]byte) ([]byte, bool, error) {
	if m.w.Memo == nil {
		return nil, false, nil
	}
	return m.w.Memo.Memo(ctx, key)
}

func (m memo) Save(_ context.Context, key [32]byte, answer []byte) error {
	return m.w.call(func(ctx context.Context) error { return m.w.p.q.Remember(ctx, m.w.Lease, key, answer) })
}
