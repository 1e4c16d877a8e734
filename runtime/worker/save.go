package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// egressFirst stands among the storages of a job whose chain forwards before it saves. No storage can have this name.
const egressFirst = ":egress"

// Delays between the rounds of a storage that fails, over leases.
const (
	storageDelay    = 30 * time.Second
	storageDelayMax = 10 * time.Minute
)

// errUnopened is what a storage of Plan.Unopened answers.
var errUnopened = errors.New("it could not be opened, and is tried again later")

// debt is a storage that could not save.
type debt struct {
	storage string
	err     error
}

// deliver saves exactly this document in the storages of left and finishes, or puts the vCon back for those that failed.
func (w *work) deliver(doc *vcon.VCon, rev queue.Rev, left []string) {
	all, err := w.created()
	if err != nil {
		w.fail(queue.Failure{Reason: reasonInternal, Detail: err.Error()})
		return
	}
	current := slices.IndexFunc(all, func(m made) bool { return m.Current })
	if current >= 0 {
		doc, rev = all[current].doc, 1
	}
	start := time.Now()
	debts := w.save(doc, rev, left, current < 0)
	w.rep.Saves = time.Since(start)
	if w.owing(debts, left, queue.StageStorages) {
		return
	}
	w.finish(debts)
}

// owing ends the lease when storages failed and will be tried again later, or when the lease went away meanwhile. It
// reports false when the job can be finished: everything is saved, or the time for it is over.
func (w *work) owing(debts []debt, left []string, stage queue.Stage) bool {
	if !w.alive() {
		w.drop(w.loss())
		return true
	}
	if len(debts) == 0 {
		return false
	}
	hold := queue.Hold{Stage: stage, Err: debtText(debts), Left: names(debts)}
	hold.Stored = slices.DeleteFunc(slices.Clone(left), func(s string) bool { return slices.Contains(hold.Left, s) })
	if w.stopping() {
		w.release(OutcomeReleased, "shutdown", hold)
		return true
	}
	tries := w.Tries
	if w.Stage != stage {
		tries = 0
	}
	if !slices.ContainsFunc(debts, func(d debt) bool { return w.again(d, tries) }) {
		return false
	}
	hold.Delay, hold.CountTry = chain.Backoff(tries, storageDelay, storageDelayMax), true
	w.release(OutcomeRetry, reasonStorage, hold)
	return true
}

// again says whether a storage gets another round. Rounds are as long apart as their delays, so counting them tells the time.
func (w *work) again(d debt, tries int) bool {
	if chain.IsPermanent(d.err) {
		return false
	}
	limit := time.Hour
	if s := w.plan.storage(d.storage); s != nil {
		limit = s.RetryFor()
	}
	var waited time.Duration
	next := storageDelay
	for range tries {
		waited += next
		next = min(2*next, storageDelayMax)
	}
	return waited+next <= limit
}

// save saves in all storages at once and returns those that failed. egress says whether the id can go ahead.
func (w *work) save(doc *vcon.VCon, rev queue.Rev, left []string, egress bool) []debt {
	var debts []debt
	if slices.Contains(left, egressFirst) {
		if err := w.egressFirst(rev, egress); err != nil {
			return owed(left, err) // the storages come after it
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, name := range left {
		if name == egressFirst {
			continue
		}
		w.saving = append(w.saving, name)
		one := func() {
			if err := w.saveOne(name, doc, rev); err != nil {
				mu.Lock()
				debts = append(debts, debt{name, err})
				mu.Unlock()
			}
		}
		if len(left) == 1 {
			one()
			continue
		}
		wg.Go(one)
	}
	wg.Wait()
	slices.SortFunc(debts, func(a, b debt) int { return slices.Index(left, a.storage) - slices.Index(left, b.storage) })
	return debts
}

// saveOne saves in one storage. A success that must not be repeated is marked at once.
func (w *work) saveOne(name string, doc *vcon.VCon, rev queue.Rev) error {
	s := w.plan.storage(name)
	switch {
	case s == nil && slices.Contains(w.plan.Unopened, name):
		return errUnopened
	case s == nil:
		return chain.Permanent(fmt.Errorf("the configuration has no storage %q", name))
	}
	start := time.Now()
	err := s.Save(w.ctx, doc, uint64(rev), w.alive)
	w.observe(name, "save", start, err)
	if err == nil && s.Appends() {
		err = w.call(func(ctx context.Context) error { return w.p.q.Stored(ctx, w.Lease, name, rev) })
	}
	return err
}

func (w *work) observe(storage, op string, start time.Time, err error) {
	r := StorageReport{ID: w.ID, Storage: storage, Op: op, Outcome: "ok", Began: start, Took: time.Since(start), Err: err}
	switch {
	case errors.Is(err, chain.ErrOpen):
		r.Outcome = "open"
	case err != nil:
		r.Outcome = "error"
	}
	w.p.o.Observer.StorageDone(r)
	w.span.StorageDone(r)
}

// egressFirst forwards the id before the storages have it. A created vCon is not in the store yet: its id goes with Finish.
func (w *work) egressFirst(rev queue.Rev, ok bool) error {
	if !ok {
		return nil
	}
	for _, list := range w.chain.Egress {
		err := w.call(func(ctx context.Context) error {
			_, err := w.p.q.Enqueue(ctx, list, []vcon.ID{w.ID})
			return err
		})
		if err != nil {
			return fmt.Errorf("egress to %q: %w", list, err)
		}
	}
	w.forwarded = true
	return w.call(func(ctx context.Context) error { return w.p.q.Stored(ctx, w.Lease, egressFirst, rev) })
}

// owed are debts of all names.
func owed(names []string, err error) []debt {
	debts := make([]debt, len(names))
	for i, n := range names {
		debts[i] = debt{n, err}
	}
	return debts
}

func names(debts []debt) []string {
	n := make([]string, len(debts))
	for i, d := range debts {
		n[i] = d.storage
	}
	return n
}

func debtText(debts []debt) string {
	errs := make([]error, len(debts))
	for i, d := range debts {
		errs[i] = fmt.Errorf("storage %q: %w", d.storage, d.err)
	}
	return clip(errors.Join(errs...).Error())
}
