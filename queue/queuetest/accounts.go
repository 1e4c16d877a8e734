package queuetest

import (
	"slices"
	"sync"
	"time"

	"github.com/vconduit/vconduit/queue"
)

func accountsCases() []kase {
	return []kase{
		{"CountsByDayPrincipalAndList", needClock, usageCounts},
		{"QuotaRefusesWithoutATrace", 0, quotaRefuses},
		{"QuotaBeginsAnewEachDay", needClock, quotaDays},
		{"RetriesCostNothing", 0, quotaRetries},
		{"QuotaIsExactUnderLoad", 0, quotaConcurrent},
		{"CountsAreThereAfterReopen", 0, usageReopened},
		{"NobodyIsNotCounted", 0, usageNobody},
	}
}

// by submits a new document as a principal.
func (e *env) by(principal string, quota int64, lists ...string) error {
	_, err := e.q.Submit(e.ctx(), queue.Submission{Doc: e.plain(), Lists: lists, Principal: principal, Quota: quota})
	return err
}

// usage gives what fits a filter, days left out, and checks that they come in order.
func (e *env) usage(f queue.UsageFilter) []queue.Usage {
	e.Helper()
	all, err := e.q.Usage(e.ctx(), f)
	e.ok(err)
	if !slices.IsSortedFunc(all, func(a, b queue.Usage) int { return a.Day.Compare(b.Day) }) {
		e.Fatalf("not by day: %+v", all)
	}
	for i := range all {
		if all[i].Day != all[i].Day.UTC().Truncate(24*time.Hour) {
			e.Fatalf("day %v", all[i].Day)
		}
		all[i].Day = time.Time{}
	}
	return all
}

func (e *env) counts(f queue.UsageFilter, want ...queue.Usage) {
	e.Helper()
	if got := e.usage(f); !slices.Equal(got, want) {
		e.Fatalf("usage = %+v, want %+v", got, want)
	}
}

func usageCounts(e *env) {
	size := int64(len(e.plain().Bytes()))
	e.ok(e.by("acme", 0, "in"))
	e.ok(e.by("acme", 0, "in", "out"))
	e.ok(e.by("acme", 0))
	e.ok(e.by("other", 0, "in"))
	one := func(who, list string, n int64) queue.Usage {
		return queue.Usage{Principal: who, List: list, VCons: n, Bytes: n * size}
	}
	e.counts(queue.UsageFilter{}, one("acme", "", 1), one("acme", "in", 2), one("acme", "out", 1), one("other", "in", 1))
	e.counts(queue.UsageFilter{List: "in"}, one("acme", "in", 2), one("other", "in", 1))
	e.counts(queue.UsageFilter{Principal: "other"}, one("other", "in", 1))
	first, err := e.q.Usage(e.ctx(), queue.UsageFilter{})
	e.ok(err)
	e.pass(24 * time.Hour)
	e.ok(e.by("acme", 0, "in"))
	today := first[0].Day.Add(24 * time.Hour)
	e.counts(queue.UsageFilter{From: today.Add(23 * time.Hour)}, one("acme", "in", 1))
	e.counts(queue.UsageFilter{To: first[0].Day, List: "out"}, one("acme", "out", 1))
	e.counts(queue.UsageFilter{Principal: "acme", List: "in"}, one("acme", "in", 2), one("acme", "in", 1))
}

func quotaRefuses(e *env) {
	e.ok(e.by("acme", 2, "in"))
	e.is(e.by("acme", 2, "in", "out"), queue.ErrQuota) // would be two more
	e.ok(e.by("acme", 2, "in"))
	d := e.plain()
	_, err := e.q.Submit(e.ctx(), queue.Submission{Doc: d, Lists: []string{"in"}, Principal: "acme", Quota: 2, IdempotencyKey: "k"})
	e.is(err, queue.ErrQuota)
	e.absent(d.ID())
	e.depth("in", 2, 0, 0, 0)
	e.depth("out", 0, 0, 0, 0)
	e.ok(e.by("acme", 3, "in")) // the quota was raised
	e.ok(e.by("other", 1, "in"))
}

func quotaDays(e *env) {
	e.ok(e.by("acme", 1, "in"))
	e.is(e.by("acme", 1, "in"), queue.ErrQuota)
	e.pass(24 * time.Hour)
	e.ok(e.by("acme", 1, "in"))
	e.is(e.by("acme", 1, "in"), queue.ErrQuota)
}

// A retry changes nothing: it is answered as the first time, also when the quota is used up.
func quotaRetries(e *env) {
	bytes, key := e.plain(), e.plain()
	same := queue.Submission{Doc: bytes, Lists: []string{"in"}, Principal: "acme", Quota: 2, Dedupe: time.Minute}
	keyed := queue.Submission{Doc: key, Lists: []string{"in"}, Principal: "acme", Quota: 2, IdempotencyKey: "k"}
	for _, want := range []bool{false, true, true} {
		for _, s := range []queue.Submission{same, keyed} {
			if r := e.submit(s); r.Duplicate != want {
				e.Fatalf("duplicate = %v, want %v", r.Duplicate, want)
			}
		}
	}
	e.counts(queue.UsageFilter{}, queue.Usage{Principal: "acme", List: "in", VCons: 2, Duplicates: 4,
		Bytes: int64(len(bytes.Bytes()) + len(key.Bytes()))})
}

func quotaConcurrent(e *env) {
	const quota, tries = 20, 100
	var mu sync.Mutex
	var wg sync.WaitGroup
	taken := 0
	for range tries {
		wg.Go(func() {
			err := e.by("acme", quota, "in")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				taken++
			}
		})
	}
	wg.Wait()
	if taken != quota {
		e.Fatalf("%d of %d were taken, the quota is %d", taken, tries, quota)
	}
	e.depth("in", quota, 0, 0, 0)
}

func usageReopened(e *env) {
	e.ok(e.by("acme", 1, "in"))
	before := e.usage(queue.UsageFilter{})
	e.reopen()
	e.counts(queue.UsageFilter{}, before...)
	e.is(e.by("acme", 1, "in"), queue.ErrQuota)
}

func usageNobody(e *env) {
	e.ok(e.by("", 0, "in"))
	e.counts(queue.UsageFilter{})
}
