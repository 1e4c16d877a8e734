package chain

import (
	"math/rand/v2"
	"time"
)

// Retry says how often and how late a link's run is repeated after a retryable failure. Zero fields take the defaults.
type Retry struct {
	Attempts int           // runs in all, the first included; default 5
	Delay    time.Duration // before the second; doubles; default 5 s
	MaxDelay time.Duration // default 10 min
	For      time.Duration // since the vCon arrived: no attempt after it; default 24 h
}

// maxAsked bounds the delay that a link asks for with retry_after.
const maxAsked = time.Hour

func (r Retry) withDefaults() Retry {
	if r.Attempts <= 0 {
		r.Attempts = 5
	}
	if r.Delay <= 0 {
		r.Delay = 5 * time.Second
	}
	if r.MaxDelay <= 0 {
		r.MaxDelay = 10 * time.Minute
	}
	if r.For <= 0 {
		r.For = 24 * time.Hour
	}
	return r
}

// Again is the decision to make another attempt.
type Again struct {
	Delay   time.Duration
	Counted bool // it counts as a try
}

// After decides about another attempt after `tries` failed runs before this one, this one having failed too, for a vCon
// that arrived age ago. asked > 0 is the delay that the link wants: up to an hour, and it counts no try. ok is false when
// there is none.
func (r Retry) After(tries int, age, asked time.Duration) (a Again, ok bool) {
	r = r.withDefaults()
	switch {
	case age >= r.For:
		return Again{}, false
	case asked > 0:
		return Again{Delay: min(asked, maxAsked)}, true
	case tries+1 >= r.Attempts:
		return Again{}, false
	}
	return Again{Delay: Backoff(tries, r.Delay, r.MaxDelay), Counted: true}, true
}

// standBack is the delay of a vCon that meets an open breaker: at least wait, longer the longer it waits already, and
// spread, so that what piled up before a peer that is away does not knock all at once and over and over.
func (r Retry) standBack(wait, age time.Duration) time.Duration {
	d := max(wait, min(age/10, r.withDefaults().MaxDelay))
	return d + rand.N(d/4+1)
}

// Backoff is first doubled n times, at most limit, then spread by a quarter to both sides so that what failed together
// does not come back together.
func Backoff(n int, first, limit time.Duration) time.Duration {
	d := first
	for range n {
		if d *= 2; d >= limit {
			break
		}
	}
	d = min(d, limit)
	return d*3/4 + rand.N(d/2+1)
}
