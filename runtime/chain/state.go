package chain

import (
	"fmt"
	"slices"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/vcon"
)

// state is the document, or the created one that took its place, with what is not handed over yet.
type state struct {
	leased  *vcon.Draft // over Job.Doc
	taken   vcon.Mark   // of leased: edits before it are handed over
	cur     *vcon.Draft // what links work on: leased, or over the current created vCon
	current *Created    // nil while cur is leased
	stale   bool        // current's text is older than cur
	halted  bool
	pending Progress
}

// open begins where the job says.
func (r *run) open() error {
	r.leased = r.job.Doc.Draft()
	r.taken = r.leased.Mark()
	r.cur, r.halted = r.leased, r.job.Halted
	if r.job.Current == nil {
		return nil
	}
	return r.switchTo(*r.job.Current)
}

// switchTo makes a created vCon the current one.
func (r *run) switchTo(c Created) error {
	doc, err := vcon.Parse(c.Text)
	if err != nil {
		return fmt.Errorf("created vcon %s: %w", c.ID, err)
	}
	r.current, r.cur, r.stale = &c, doc.Draft(), false
	return nil
}

// keep takes over what a link did: edits and effects on Done and Halt, nothing on NoChange.
func (r *run) keep(v hostabi.Verdict, mark vcon.Mark, id string, e Effects) error {
	if v == hostabi.NoChange {
		r.cur.Rollback(mark)
	} else if err := r.keepEffects(e, len(r.cur.EditsSince(mark)) > 0); err != nil {
		r.cur.Rollback(mark)
		return err
	}
	r.pending.Done = append(r.pending.Done, id)
	if v == hostabi.Halt {
		r.halted, r.pending.Halted = true, true
	}
	return nil
}

func (r *run) keepEffects(e Effects, edited bool) error {
	creates := lastCurrent(e.Creates)
	if i := slices.IndexFunc(creates, func(c Created) bool { return c.Current }); i >= 0 {
		if err := r.replace(creates[i], edited); err != nil {
			return err
		}
	} else if r.current != nil && edited {
		r.stale = true
	}
	for _, c := range creates {
		r.put(c)
	}
	for _, l := range e.Routes {
		if !slices.Contains(r.pending.Effects.Routes, l) {
			r.pending.Effects.Routes = append(r.pending.Effects.Routes, l)
		}
	}
	if e.Expire != nil {
		r.pending.Effects.Expire = e.Expire
	}
	return nil
}

// lastCurrent lets only the last of several be the current one.
func lastCurrent(creates []Created) []Created {
	creates = slices.Clone(creates)
	found := false
	for i := len(creates) - 1; i >= 0; i-- {
		creates[i].Current = creates[i].Current && !found
		found = found || creates[i].Current
	}
	return creates
}

// replace makes c current. One that was current before stays as it is now, beside.
func (r *run) replace(c Created, edited bool) error {
	old, oldDraft, stale := r.current, r.cur, r.stale
	if err := r.switchTo(c); err != nil {
		return err
	}
	if old == nil {
		return nil
	}
	o := *old
	o.Current = false
	if edited || stale {
		v, err := oldDraft.VCon()
		if err != nil {
			return err
		}
		o.Text = v.Bytes()
	}
	r.put(o)
	return nil
}

// put records a created vCon; one of the same ID is replaced.
func (r *run) put(c Created) {
	cs := r.pending.Effects.Creates
	if i := slices.IndexFunc(cs, func(o Created) bool { return o.ID == c.ID }); i >= 0 {
		cs[i] = c
		return
	}
	r.pending.Effects.Creates = append(cs, c)
}

// take hands over everything since the last take.
func (r *run) take() (Progress, error) {
	if r.current != nil && r.stale {
		v, err := r.cur.VCon()
		if err != nil {
			return Progress{}, err
		}
		r.current.Text, r.stale = v.Bytes(), false
		r.put(*r.current)
	}
	p := r.pending
	p.Edits = r.leased.EditsSince(r.taken)
	r.pending, r.taken = Progress{}, r.leased.Mark()
	return p, nil
}
