package embedded

import (
	"context"
	"fmt"
	"slices"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// maxHops is how often chains may push a document on before it counts as going round in a loop.
const maxHops = 32

// outcome is a queue.Outcome made ready.
type outcome struct {
	queue.Outcome
	target  vcon.ID // who goes to egress and routes
	pushes  []push
	creates []*paper
}

// push is one list to push on.
type push struct {
	list  string
	route bool // a link chose it: it is somebody's work
}

// Finish ends the lease with everything the run decided, in one transaction. Links' routes go, as egress does, to the
// vCon that took the place of the leased one, if one did: what a link had replaced must not be forwarded.
func (s *Store) Finish(ctx context.Context, l *queue.Lease, o queue.Outcome) error {
	out, err := s.outcome(l, o)
	if err != nil {
		return fmt.Errorf("finish vcon %s: %w", l.ID, err)
	}
	err = s.fence(ctx, s.later, l, "finish", out.cost(), func(t *tx, g *grant) error { return t.finish(g, out) })
	for _, p := range out.creates {
		p.settle(s)
	}
	if err != nil {
		return fmt.Errorf("finish vcon %s: %w", l.ID, err)
	}
	return nil
}

// outcome checks an Outcome and prepares what it creates.
func (s *Store) outcome(l *queue.Lease, o queue.Outcome) (*outcome, error) {
	out := &outcome{Outcome: o, target: l.ID}
	if !o.Current.IsZero() {
		out.target = o.Current
	}
	lists := [...][]string{o.Routes, o.Egress}
	if o.Halted {
		lists[1] = nil
	}
	for i, names := range lists {
		for _, name := range names {
			if err := queue.CheckListName(name); err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(out.pushes, func(p push) bool { return p.list == name }) {
				out.pushes = append(out.pushes, push{name, i == 0})
			}
		}
	}
	for _, c := range o.Creates {
		if slices.ContainsFunc(out.creates, func(p *paper) bool { return p.id == c.Doc.ID() }) {
			continue // a link that is run again makes the same vCon again
		}
		p, err := s.prepare(c)
		if err != nil {
			for _, p := range out.creates {
				p.settle(s)
			}
			return nil, err
		}
		out.creates = append(out.creates, p)
	}
	return out, nil
}

func (o *outcome) cost() int {
	n := 1 << 10
	for _, p := range o.creates {
		n += p.cost()
	}
	return n
}

// finish is Finish within a transaction.
func (t *tx) finish(g *grant, o *outcome) error {
	if err := t.revoke(g, ending{by: "finish"}); err != nil {
		return err
	}
	e := g.e
	if e.stage == queue.StageDelete {
		return t.finishDelete(&e)
	}
	if g.n > 0 || g.marked || !g.fresh {
		if err := t.dropRun(&e); err != nil {
			return err
		}
	}
	hops := t.hops(g, o)
	if hops > maxHops {
		return t.condemn(&e, queue.Failure{Reason: "loop", Attempt: int(e.tries + e.crashes),
			Detail: fmt.Sprintf("chains pushed this vCon on more than %d times", maxHops)})
	}
	for _, p := range o.creates {
		if err := t.create(p, hops); err != nil {
			return err
		}
	}
	if (g.row == nil || g.row.dead > 0) && !o.Halted && o.target == e.id {
		if err := t.paid(&e, o.StorageFailures); err != nil {
			return err
		}
	}
	if err := t.owe(e, o); err != nil {
		return err
	}
	holds, err := t.pushOn(o, hops, e.ctx)
	if err != nil {
		return err
	}
	if err := t.remove(&e); err != nil {
		return err
	}
	return t.outlive(&e, o, holds, hops)
}

// owe writes the dead letters of storages, for the vCon that they should have saved.
func (t *tx) owe(e entry, o *outcome) error {
	if len(o.StorageFailures) == 0 {
		return nil
	}
	if o.target != e.id {
		r, err := t.row(o.target)
		if err != nil {
			return err
		}
		e.id, e.job = o.target, job{}
		if r != nil {
			e.gen = r.gen
		}
	}
	for _, f := range o.StorageFailures {
		if err := t.letter(t.list(queue.StoragePrefix+f.Storage), &e, f); err != nil {
			return err
		}
	}
	return nil
}

// hops counts the pushes by chains; a run that pushes nothing adds none.
func (t *tx) hops(g *grant, o *outcome) int64 {
	n := int64(0)
	if g.row != nil {
		n = g.row.hops
	}
	if len(o.pushes) > 0 || len(o.creates) > 0 {
		n++
	}
	return n
}

// create stores a vCon that a link made. One that is there with the same text was made by an earlier run.
func (t *tx) create(p *paper, hops int64) error {
	old, err := t.row(p.id)
	if err != nil || old != nil && old.live(t.now) && old.src == p.sha {
		return err
	}
	if _, err := t.submit(p); err != nil {
		return err
	}
	_, err = t.exec(`UPDATE doc SET hops=? WHERE uuid=?`, hops, p.id[:])
	return err
}

// pushOn appends the target to the outcome's lists and says how many of those pushes hold it.
func (t *tx) pushOn(o *outcome, hops int64, ctx []byte) (holds int64, err error) {
	for _, p := range o.pushes {
		l := t.list(p.list)
		work := p.route || t.worked(l)
		if work {
			holds++
		}
		if err := t.push(entry{list: l, id: o.target, work: work, at: t.now, ctx: ctx}); err != nil {
			return 0, err
		}
	}
	return holds, nil
}

func (t *tx) worked(l *list) bool {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	return l.worked
}

// outlive gives the document the life that the run decided, to begin when nothing holds it any more.
func (t *tx) outlive(e *entry, o *outcome, holds, hops int64) error {
	if o.target != e.id && holds > 0 {
		if _, err := t.exec(`UPDATE doc SET pend=pend+?, hops=?, expires=NULL WHERE uuid=?`, holds, hops, o.target[:]); err != nil {
			return err
		}
		holds, hops = 0, 0
	}
	if e.stage == queue.StageResave && o.Lifetime == 0 && o.Expire == nil {
		return t.letGo(e)
	}
	var wish any
	if o.Expire != nil {
		wish = max(o.Expire.Milliseconds(), 0)
	}
	_, err := t.exec(`UPDATE doc SET pend=max(pend+?2, 0), hops=?3, life=?4, wish=coalesce(?5, wish), kept=max(kept, ?7),
		expires=CASE WHEN max(pend+?2, 0)=0 AND dead=0 THEN ?1+coalesce(?5, wish, nullif(?4, 0)) END WHERE uuid=?6`,
		t.now, holds-asBit(e.work), hops, o.Lifetime.Milliseconds(), wish, e.id[:], asBit(o.Archived))
	return err
}
