package chain

import (
	"slices"
	"sync"
	"time"
)

// Breaker stops calls to something that keeps failing. After Failures failures within Within it is open for Open; then
// one call may try, and its success closes it. Zero fields take the defaults; a nil Breaker lets everything through.
// Safe for concurrent use.
type Breaker struct {
	Failures int           // default 20
	Within   time.Duration // default 1 min
	Open     time.Duration // default 30 s

	mu     sync.Mutex
	failed []time.Time // within Within, oldest first
	until  time.Time   // open until; zero = closed
}

// Allow says whether a call may be made now; if not, wait is how long the breaker stays open at least. Who was allowed
// reports with Done.
func (b *Breaker) Allow() (wait time.Duration, ok bool) {
	if b == nil {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return 0, true
	}
	if wait := time.Until(b.until); wait > 0 {
		return wait, false
	}
	b.until = time.Now().Add(b.open()) // this caller probes, the others wait on
	return 0, true
}

// Left is how long the breaker stays open; 0: it is closed, or somebody may probe.
func (b *Breaker) Left() time.Duration {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return 0
	}
	return max(time.Until(b.until), 0)
}

// Done reports how a call went. A success closes a breaker that was open and forgets nothing otherwise.
func (b *Breaker) Done(failed bool) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !failed {
		if !b.until.IsZero() {
			b.failed, b.until = b.failed[:0], time.Time{}
		}
		return
	}
	now := time.Now()
	b.failed = slices.DeleteFunc(b.failed, func(t time.Time) bool { return now.Sub(t) > b.within() })
	b.failed = append(b.failed, now)
	if len(b.failed) >= b.limit() {
		b.until = now.Add(b.open())
		b.failed = b.failed[len(b.failed)-b.limit():]
	}
}

func (b *Breaker) limit() int {
	if b.Failures > 0 {
		return b.Failures
	}
	return 20
}

func (b *Breaker) within() time.Duration {
	if b.Within > 0 {
		return b.Within
	}
	return time.Minute
}

func (b *Breaker) open() time.Duration {
	if b.Open > 0 {
		return b.Open
	}
	return 30 * time.Second
}
