package jq_link

import (
	"errors"
	"testing"
	"time"
)

// TestBudget: a budget ends by its steps or by its time, and says which.
func TestBudget(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		life time.Duration
		want error
	}{"steps": {time.Hour, errSteps}, "time": {0, errTime}} {
		b := newBudget(3*clockEvery, c.life)
		steps := 0
		for ended := false; !ended && steps < 4*clockEvery; steps++ {
			select {
			case <-b.Done():
				ended = true
			default:
				if b.Err() != nil {
					t.Fatalf("%s: an error before the end: %v", name, b.Err())
				}
			}
		}
		if !errors.Is(b.Err(), c.want) || c.want == errTime && steps != clockEvery || c.want == errSteps && steps != 3*clockEvery {
			t.Errorf("%s: after %d steps: %v", name, steps, b.Err())
		}
		b.Done() // once more is no harm
	}
}
