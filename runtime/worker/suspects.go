package worker

import (
	"time"

	"github.com/vconduit/vconduit/queue"
)

// A suspect is only given to an idle pool. One that always has work makes itself idle when suspects have waited for
// suspectPatience, for at most suspectIdling: what is in work may be long, or deaf. If that was in vain, its patience is
// twice as long the next time, up to suspectPatienceMax.
const (
	suspectPatience    = time.Minute
	suspectPatienceMax = time.Hour
	suspectIdling      = 5 * time.Minute
)

// noteSuspects takes note of what a Lease call said of suspects. p.mu is held.
func (p *Pool) noteSuspects(leases []*queue.Lease) {
	switch {
	case len(leases) == 0:
	case leases[0].Suspect():
		p.suspects, p.patience = time.Time{}, suspectPatience
	case !leases[0].SuspectsWait:
		p.suspects = time.Time{}
	case p.suspects.IsZero():
		p.suspects = time.Now()
	}
}

// idle says how long the pool leases nothing at most, so that what it has in work ends; 0: it need not. p.mu is held.
func (p *Pool) idle() time.Duration {
	if p.suspects.IsZero() || len(p.held) == 0 {
		return 0
	}
	waited := time.Since(p.suspects)
	if waited < p.patience {
		return 0
	}
	if left := p.patience + suspectIdling - waited; left > 0 {
		return left
	}
	p.suspects, p.patience = time.Now(), min(2*p.patience, suspectPatienceMax)
	return 0
}
