package sampler

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestModulo: the values that vcon-server gives.
func TestModulo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		uuid  string
		value float64
		want  bool
	}{{"uuid-1", 3, true}, {"uuid-2", 3, false}, {"uuid-3", 3, true}, {"uuid-4", 7, true}} {
		o := Options{Method: "modulo", Value: c.value}
		if got := o.keeps(c.uuid, time.Time{}, nil); got != c.want {
			t.Errorf("%s modulo %v: %v", c.uuid, c.value, got)
		}
	}
}

// TestShares: how many of 10,000 each method keeps.
func TestShares(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		o        Options
		low, top int
	}{
		{Options{Method: "percentage", Value: 20}, 1800, 2200},
		{Options{Method: "percentage", Value: 20, Seed: "7"}, 1800, 2200},
		{Options{Method: "rate", Value: 1}, 6100, 6550}, // 1 - 1/e
		{Options{Method: "rate", Value: 10}, 850, 1060}, // 1 - e^-0.1
		{Options{Method: "modulo", Value: 4}, 2300, 2700},
		{Options{Method: "time_based", Value: 5}, 2000, 2000},
	} {
		kept := 0
		for i := range 10000 {
			if c.o.keeps(string(rune('a'+i%26))+time.Duration(i).String(), time.Unix(int64(i), 0), r.Float64) {
				kept++
			}
		}
		if kept < c.low || kept > c.top {
			t.Errorf("%+v keeps %d of 10000, want %d to %d", c.o, kept, c.low, c.top)
		}
	}
}

// TestSeed: one seed judges a vCon the same way each time, two seeds do not judge alike.
func TestSeed(t *testing.T) {
	t.Parallel()
	a, b := Options{Method: "percentage", Value: 50, Seed: "1"}, Options{Method: "percentage", Value: 50, Seed: "2"}
	differ := 0
	for i := range 1000 {
		uuid := time.Duration(i).String()
		if a.keeps(uuid, time.Time{}, nil) != a.keeps(uuid, time.Now(), nil) {
			t.Fatal("one seed judged a vCon in two ways")
		}
		if a.keeps(uuid, time.Time{}, nil) != b.keeps(uuid, time.Time{}, nil) {
			differ++
		}
	}
	if differ < 400 || differ > 600 {
		t.Errorf("two seeds judge %d of 1000 vCons differently", differ)
	}
}
