package embedded

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// idemLife is how long an Idempotency-Key is remembered.
const idemLife = 24 * time.Hour

// paper is a submission made ready by its caller, so that the writer only writes.
type paper struct {
	id      vcon.ID
	text    []byte
	file    string // where the text is, if it is large
	sha     [32]byte
	created int64 // Unix seconds; 0 = the document does not say
	terms   []string
	lists   []string
	ctx     []byte
	life    int64 // ms
	dedupe  int64 // ms
	idem    []byte
	by      string // principal
	quota   int64
	kept    bool // a transaction named the file
}

// cost is about what the paper adds to the log.
func (p *paper) cost() int {
	if p.file != "" {
		return 1 << 10
	}
	return len(p.text) + 1<<10
}

// settle removes a large document's file when no row came to name it.
func (p *paper) settle(s *Store) {
	if p.file != "" && !p.kept {
		s.removeBlobs([]string{p.file})
	}
}

// Submit stores a document with its indexes and list entries, durable on return.
func (s *Store) Submit(ctx context.Context, sub queue.Submission) (queue.Receipt, error) {
	p, err := s.prepare(sub)
	if err != nil {
		return queue.Receipt{}, fmt.Errorf("submit vcon %s: %w", sub.Doc.ID(), err)
	}
	var r queue.Receipt
	err = s.grow(ctx, p.cost(), func(t *tx) (err error) {
		r, err = t.submit(p)
		return err
	})
	p.settle(s)
	if err != nil {
		return queue.Receipt{}, fmt.Errorf("submit vcon %s: %w", p.id, err)
	}
	return r, nil
}

// prepare checks a submission and does all of its work that needs no transaction; a large document is on disk then.
func (s *Store) prepare(sub queue.Submission) (*paper, error) {
	p := &paper{id: sub.Doc.ID(), text: sub.Doc.Bytes(), sha: sub.Doc.Hash(), ctx: sub.Context,
		dedupe: sub.Dedupe.Milliseconds(), by: sub.Principal, quota: sub.Quota}
	if len(sub.Lists) == 0 {
		p.life = sub.Lifetime.Milliseconds() // else Finish decides
	}
	for _, name := range sub.Lists {
		if err := queue.CheckListName(name); err != nil {
			return nil, err
		}
		if !slices.Contains(p.lists, name) {
			p.lists = append(p.lists, name)
		}
	}
	if s.closed() {
		return nil, queue.ErrClosed
	}
	if s.full.Load() {
		if s.roomAgain(); s.full.Load() {
			return nil, queue.ErrFull
		}
	}
	p.created, p.terms = indexed(sub.Doc)
	if sub.IdempotencyKey != "" {
		p.idem = idemHash(sub.Principal, p.id, sub.IdempotencyKey)
	}
	if len(p.text) > inlineMax {
		file, err := s.keepBlob(p.id, p.text, true)
		if err != nil {
			return nil, err
		}
		p.file = file
	}
	return p, nil
}

// idemHash names an Idempotency-Key within its principal and document; lengths keep the parts apart.
func idemHash(principal string, id vcon.ID, key string) []byte {
	b := binary.AppendUvarint(nil, uint64(len(principal)))
	b = append(append(append(b, principal...), id[:]...), key...)
	h := sha256.Sum256(b)
	return h[:]
}

// submit is the whole of a submission within a transaction.
func (t *tx) submit(p *paper) (queue.Receipt, error) {
	if p.idem != nil {
		if r, err := t.recall(p); err != nil || r.Duplicate {
			return r, errors.Join(err, t.charge(p, r))
		}
	}
	if err := t.afford(p); err != nil {
		return queue.Receipt{}, err
	}
	r, err := t.keep(p)
	if err != nil {
		return r, err
	}
	if err := t.charge(p, r); err != nil {
		return r, err
	}
	if !r.Duplicate {
		for _, name := range p.lists {
			if err := t.push(entry{list: t.list(name), id: p.id, work: true, at: t.now, ctx: p.ctx}); err != nil {
				return r, err
			}
		}
	}
	if p.idem == nil {
		return r, nil
	}
	_, err = t.exec(`INSERT OR REPLACE INTO idem(h, sha, gen, rev, replaced, until) VALUES(?,?,?,?,?,?)`,
		p.idem, p.sha[:], int64(r.Gen), int64(r.Rev), asBit(r.Replaced), t.now+idemLife.Milliseconds())
	return r, err
}

// recall looks for an earlier submission under the same Idempotency-Key.
func (t *tx) recall(p *paper) (r queue.Receipt, err error) {
	var sha [32]byte
	found, err := t.one(func(v []driver.Value) {
		copy(sha[:], asBlob(v[0]))
		r = queue.Receipt{Gen: uint64(asInt(v[1])), Rev: queue.Rev(asInt(v[2])), Replaced: asInt(v[3]) != 0, Duplicate: true}
	}, `SELECT sha, gen, rev, replaced FROM idem WHERE h=? AND until>?`, p.idem, t.now)
	if err == nil && found && sha != p.sha {
		return queue.Receipt{}, queue.ErrIdempotency
	}
	return r, err
}

// keep writes the document: as a new one, which most are, else over the one that is there.
func (t *tx) keep(p *paper) (queue.Receipt, error) {
	was, err := t.liftTomb(p.id)
	if err != nil {
		return queue.Receipt{}, err
	}
	isNew, err := t.insert(p, was.gen+1, was.rev+1, was.pend+int64(len(p.lists)))
	if err != nil || isNew {
		return queue.Receipt{Gen: was.gen + 1, Rev: queue.Rev(was.rev + 1)}, err
	}
	old, err := t.row(p.id)
	if err != nil {
		return queue.Receipt{}, err
	}
	if old.live(t.now) && p.repeats(old, t.now) {
		return queue.Receipt{Gen: old.gen, Rev: queue.Rev(old.srev), Replaced: old.again, Duplicate: true}, nil
	}
	return t.replace(p, old)
}

// repeats reports whether a submission is a retry of the last one.
func (p *paper) repeats(old *row, now int64) bool {
	if p.dedupe <= 0 || p.sha != old.src || now-old.at >= p.dedupe {
		return false
	}
	for _, name := range p.lists {
		if !slices.Contains(old.lists, name) {
			return false
		}
	}
	return true
}

// insert writes a new document and reports whether it did; one that is there is left alone.
func (t *tx) insert(p *paper, gen, rev uint64, pend int64) (bool, error) {
	var expires any
	if pend == 0 && p.life > 0 {
		expires = t.now + p.life
	}
	r, err := t.exec(`INSERT INTO doc(uuid, gen, rev, srev, size, sha, file, created, at, expires, pend, life, lists, terms)
		VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(uuid) DO NOTHING`, p.id[:], int64(gen), int64(rev), int64(rev),
		int64(len(p.text)), p.sha[:], orNull(p.file), p.createdAt(t.now), t.now, expires, pend, p.life,
		orNull(strings.Join(p.lists, "\n")), orNull(encodeTerms(p.terms)))
	if err != nil || r.rows == 0 {
		return false, err
	}
	if err := t.writeText(r.lastID, p); err != nil {
		return true, err
	}
	if err := t.index(r.lastID, p.terms); err != nil {
		return true, err
	}
	return true, t.unread(r.lastID)
}

// replace writes a submission over the row that its uuid has: a new generation.
func (t *tx) replace(p *paper, old *row) (queue.Receipt, error) {
	gen, rev := old.gen+1, old.rev+1
	pend := old.pend + int64(len(p.lists))
	var expires any
	if pend == 0 && old.dead == 0 && p.life > 0 {
		expires = t.now + p.life
	}
	terms := encodeTerms(p.terms)
	_, err := t.exec(`UPDATE doc SET gen=?, rev=?, srev=?, size=?, sha=?, src=NULL, file=?, created=?, at=?, expires=?, pend=?,
		hops=0, life=?, wish=NULL, kept=0, again=?, lists=?, terms=? WHERE id=?`, int64(gen), int64(rev), int64(rev), int64(len(p.text)),
		p.sha[:], orNull(p.file), p.createdAt(t.now), t.now, expires, pend, p.life, asBit(old.live(t.now)),
		orNull(strings.Join(p.lists, "\n")), orNull(terms), old.id)
	if err != nil {
		return queue.Receipt{}, err
	}
	if err := t.rewriteText(old, p); err != nil {
		return queue.Receipt{}, err
	}
	if err := t.unread(old.id); err != nil {
		return queue.Receipt{}, err
	}
	if terms != old.terms {
		if err := t.unindex(old.id, old.terms); err != nil {
			return queue.Receipt{}, err
		}
		if err := t.index(old.id, p.terms); err != nil {
			return queue.Receipt{}, err
		}
	}
	t.fate(p.id, queue.ErrSuperseded, p.lists)
	return queue.Receipt{Gen: gen, Rev: queue.Rev(rev), Replaced: old.live(t.now)}, nil
}

// writeText keeps the text of a row, or the name of its file.
func (t *tx) writeText(id int64, p *paper) error {
	if p.file != "" {
		p.kept = true
		t.undoing(func() { p.kept = false })
		return nil
	}
	_, err := t.exec(`INSERT OR REPLACE INTO body(id, text) VALUES(?,?)`, id, p.text)
	return err
}

// rewriteText puts a text in the place of the old one.
func (t *tx) rewriteText(old *row, p *paper) error {
	if old.file != "" || p.file != "" {
		if err := t.dropText(old); err != nil {
			return err
		}
	}
	return t.writeText(old.id, p)
}

// createdAt is what a document is listed by: its created_at, else its arrival; Unix seconds.
func (p *paper) createdAt(now int64) int64 {
	if p.created != 0 {
		return p.created
	}
	return now / 1000
}

// Enqueue appends existing documents to a list, in order.
func (s *Store) Enqueue(ctx context.Context, name string, ids []vcon.ID) ([]vcon.ID, error) {
	if err := queue.CheckListName(name); err != nil {
		return nil, fmt.Errorf("enqueue: %w", err)
	}
	var missing []vcon.ID
	err := s.grow(ctx, 128*len(ids), func(t *tx) error {
		missing = nil
		l := t.list(name)
		for _, id := range ids {
			found, err := t.enqueue(l, id)
			if err != nil {
				return err
			}
			if !found {
				missing = append(missing, id)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("enqueue %d vcons on %q: %w", len(ids), name, err)
	}
	return missing, nil
}

func (t *tx) enqueue(l *list, id vcon.ID) (found bool, err error) {
	hops, ok := t.ahead(id)
	if !ok {
		return false, nil
	}
	r, err := t.exec(`UPDATE doc SET pend=pend+1, hops=?, expires=NULL
		WHERE uuid=? AND size>0 AND (expires IS NULL OR expires>?)`, hops, id[:], t.now)
	if err != nil || r.rows == 0 {
		return false, err
	}
	return true, t.push(entry{list: l, id: id, work: true, at: t.now, run: newRun()})
}

// ahead counts a push of a uuid that is leased: its chain sends it ahead. When that is one too many nothing is pushed, and
// Finish makes it a dead letter. A uuid that nobody works begins to count anew.
func (t *tx) ahead(id vcon.ID) (hops int64, ok bool) {
	t.s.mu.Lock()
	g := t.s.grants[id]
	t.s.mu.Unlock()
	if g == nil || g.row == nil {
		return 0, true
	}
	old, next := g.row, *g.row
	next.hops = min(next.hops, maxHops) + 1
	g.become(&next)
	t.undoing(func() { g.become(old) })
	return next.hops, next.hops <= maxHops
}
