package worker

import (
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
)

// Plan is everything that one configuration means for a worker. Immutable once given to a Pool; a lease keeps the plan
// it was taken under until its end.
type Plan struct {
	// Lists are read in this order (Strict) or by weight. A list that stands twice belongs to the later chain. A list
	// that no chain here reads is never leased: it keeps what it has.
	Lists []Route
	// Storages are all storages of the configuration, in the order in which they are asked for a document that the
	// live store lost; deletes go to all of them.
	Storages []*chain.Guarded
	// Unopened are storages of the configuration that could not be opened now: what they owe is tried again later.
	Unopened []string
	// Env is what links are given.
	Env      chain.Env
	Settings Settings
}

// Route says which chain reads a list.
type Route struct {
	List  string
	Chain *chain.Chain
}

// Settings are the figures of a Plan; zero values take the defaults.
type Settings struct {
	Strict bool // lists in the given order, as the Python server; default: by weight
	Tries  int  // attempts of what has no retry policy of its own (conflicts); default 5

	// Expiry is the life of a finished vCon that a storage holds, and of a halted one; 0 = for ever.
	Expiry time.Duration
	// ExpirySet: the operator chose Expiry, so it also holds for what no storage can give back.
	ExpirySet bool
	// KeepUnstored keeps a vCon that no storage can give back for ever, unless ExpirySet (the embedded store).
	KeepUnstored bool
	// EgressExpiry is the least life of a vCon that went to an egress list and that no storage can give back;
	// default 7 days, < 0 = none.
	EgressExpiry time.Duration

	// Extensions are names in a vCon's "critical" that are understood beside those of vcon.SupportsExtension.
	Extensions []string
	// RunCritical runs chains over vCons with unknown critical extensions; default: dead letter "critical_extension".
	RunCritical bool
}

func (s Settings) tries() int {
	if s.Tries > 0 {
		return s.Tries
	}
	return 5
}

func (s Settings) egressExpiry() time.Duration {
	if s.EgressExpiry == 0 {
		return 7 * 24 * time.Hour
	}
	return max(0, s.EgressExpiry)
}

// chain finds the chain that reads a list.
func (p *Plan) chain(list string) *chain.Chain {
	for i := len(p.Lists) - 1; i >= 0; i-- {
		if p.Lists[i].List == list {
			return p.Lists[i].Chain
		}
	}
	return nil
}

// lists are the lists to lease from, the internal ones first.
func (p *Plan) lists() []queue.Weighted {
	w := []queue.Weighted{{Name: queue.DeleteList, Weight: 1}, {Name: queue.ResaveList, Weight: 1}}
	for _, r := range p.Lists {
		if r.Chain != nil && r.Chain == p.chain(r.List) {
			w = append(w, queue.Weighted{Name: r.List, Weight: max(1, r.Chain.Weight)})
		}
	}
	return w
}

// storage finds a storage by name; nil when the configuration has none of that name.
func (p *Plan) storage(name string) *chain.Guarded {
	for _, s := range p.Storages {
		if s.Name() == name {
			return s
		}
	}
	return nil
}
