package chain_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

var errDown = errors.New("down")

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &chain.Breaker{Failures: 3, Within: time.Minute, Open: 10 * time.Second}
		pass := func(want bool) {
			t.Helper()
			if _, ok := b.Allow(); ok != want {
				t.Fatalf("allowed = %v, want %v", ok, want)
			}
		}
		for range 2 {
			b.Done(true)
		}
		time.Sleep(2 * time.Minute) // forgotten
		b.Done(true)
		b.Done(true)
		b.Done(false) // a success between does not hide that most fail
		pass(true)
		b.Done(true)
		if wait, ok := b.Allow(); ok || wait != 10*time.Second {
			t.Fatalf("open: wait %v, %v", wait, ok)
		}
		time.Sleep(10 * time.Second)
		pass(true) // one may probe
		pass(false)
		b.Done(true)
		pass(false)
		time.Sleep(10 * time.Second)
		pass(true)
		b.Done(false)
		pass(true)
		b.Done(true)
		pass(true)
	})
	var none *chain.Breaker
	none.Done(true)
	if _, ok := none.Allow(); !ok {
		t.Error("a nil breaker stops calls")
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	r := chain.Retry{Attempts: 3, Delay: 4 * time.Second, MaxDelay: 10 * time.Second, For: time.Hour}
	for name, c := range map[string]struct {
		tries      int
		age, asked time.Duration
		ok, count  bool
		lo, hi     time.Duration
	}{
		"first":                    {0, 0, 0, true, true, 3 * time.Second, 5 * time.Second},
		"second, doubled":          {1, 0, 0, true, true, 6 * time.Second, 10 * time.Second},
		"attempts used":            {2, 0, 0, false, false, 0, 0},
		"too old":                  {0, time.Hour, 0, false, false, 0, 0},
		"asked":                    {0, 0, time.Minute, true, false, time.Minute, time.Minute},
		"asked, attempts used":     {7, 0, time.Minute, true, false, time.Minute, time.Minute},
		"asked, too long":          {0, 0, 5 * time.Hour, true, false, time.Hour, time.Hour},
		"asked, too old":           {0, time.Hour, time.Minute, false, false, 0, 0},
		"asked, nearly too old":    {0, time.Hour - 1, time.Minute, true, false, time.Minute, time.Minute},
		"never above the greatest": {1, 0, 0, true, true, 6 * time.Second, 12500 * time.Millisecond},
	} {
		a, ok := r.After(c.tries, c.age, c.asked)
		if ok != c.ok || a.Counted != c.count || a.Delay < c.lo || a.Delay > c.hi {
			t.Errorf("%s: %+v, %v", name, a, ok)
		}
	}
	if a, ok := (chain.Retry{}).After(3, 23*time.Hour, 0); !ok || a.Delay < 30*time.Second || a.Delay > 50*time.Second {
		t.Errorf("defaults: fourth failure = %+v, %v; want about 40 s", a, ok)
	}
	if _, ok := (chain.Retry{}).After(4, 0, 0); ok {
		t.Error("defaults: a sixth attempt")
	}
}

func TestGuardedTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &chaintest.Memory{OnSave: func(_ context.Context, n int, _ *vcon.VCon, _ uint64) error {
			if n < 3 {
				return errDown
			}
			return nil
		}}
		start := time.Now()
		if err := chain.NewGuarded("m", m, chain.Guard{}).Save(t.Context(), chaintest.Document(t, ""), 4, nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); m.Calls() != 3 || took == 0 || took > 3*time.Second || m.Saves()[0].Rev != 4 {
			t.Errorf("%d calls in %v", m.Calls(), took)
		}
	})
}

func TestGuardedGivesUp(t *testing.T) {
	t.Parallel()
	block := func(ctx context.Context, _ int, _ *vcon.VCon, _ uint64) error { <-ctx.Done(); return ctx.Err() }
	for name, c := range map[string]struct {
		onSave func(context.Context, int, *vcon.VCon, uint64) error
		calls  int
		most   time.Duration
		text   string
	}{
		"down":      {func(context.Context, int, *vcon.VCon, uint64) error { return errDown }, 3, 3 * time.Second, "down"},
		"hangs":     {block, 1, 10 * time.Second, "deadline"},
		"permanent": {func(context.Context, int, *vcon.VCon, uint64) error { return chain.Permanent(errDown) }, 1, 0, "down"},
		"panics":    {func(context.Context, int, *vcon.VCon, uint64) error { panic("oops") }, 1, 0, `storage "m": panic: oops`},
	} {
		synctest.Test(t, func(t *testing.T) {
			m, start := &chaintest.Memory{OnSave: c.onSave}, time.Now()
			err := chain.NewGuarded("m", m, chain.Guard{}).Save(t.Context(), chaintest.Document(t, ""), 1, nil)
			if err == nil || !strings.Contains(err.Error(), c.text) || m.Calls() != c.calls || time.Since(start) > c.most {
				t.Errorf("%s: %v after %d calls and %v", name, err, m.Calls(), time.Since(start))
			}
		})
	}
}

func TestGuardedBreakerOpens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		m := &chaintest.Memory{OnSave: func(context.Context, int, *vcon.VCon, uint64) error {
			if down {
				return errDown
			}
			return nil
		}}
		g := chain.NewGuarded("m", m, chain.Guard{Tries: 1})
		doc := chaintest.Document(t, "")
		for range 5 {
			if err := g.Save(t.Context(), doc, 1, nil); !errors.Is(err, errDown) {
				t.Fatal(err)
			}
		}
		if err := g.Save(t.Context(), doc, 1, nil); !errors.Is(err, chain.ErrOpen) || m.Calls() != 5 {
			t.Fatalf("open breaker: %v, %d calls", err, m.Calls())
		}
		down = false
		time.Sleep(30 * time.Second)
		for range 2 {
			if err := g.Save(t.Context(), doc, 1, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestGuardedStopsWithTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alive := true
		m := &chaintest.Memory{OnSave: func(context.Context, int, *vcon.VCon, uint64) error { alive = false; return errDown }}
		g := chain.NewGuarded("m", m, chain.Guard{})
		if err := g.Save(t.Context(), chaintest.Document(t, ""), 1, func() bool { return alive }); err == nil || m.Calls() != 1 {
			t.Errorf("save = %v after %d calls", err, m.Calls())
		}
	})
}

func TestGuardedConverts(t *testing.T) {
	t.Parallel()
	m := &chaintest.Memory{}
	doc := chaintest.Document(t, "")
	other := chaintest.Text(t, doc.ID(), `,"older":true`)
	g := chain.NewGuarded("m", m, chain.Guard{Convert: func(*vcon.VCon) (*vcon.VCon, error) { return other, nil }})
	if err := g.Save(t.Context(), doc, 1, nil); err != nil || m.Saves()[0].Doc != other {
		t.Errorf("saved something else: %v", err)
	}
	g = chain.NewGuarded("m", m, chain.Guard{Convert: func(*vcon.VCon) (*vcon.VCon, error) { return nil, errDown }})
	if err := g.Save(t.Context(), doc, 1, nil); !chain.IsPermanent(err) {
		t.Errorf("save = %v, want a permanent error", err)
	}
}

func TestGuardedPowers(t *testing.T) {
	t.Parallel()
	full := chain.NewGuarded("m", &chaintest.Memory{Once: true}, chain.Guard{})
	bare := chain.NewGuarded("b", chaintest.WriteOnly{Storage: &chaintest.Memory{}}, chain.Guard{})
	if !full.CanGet() || !full.CanDelete() || !full.Appends() || bare.CanGet() || bare.CanDelete() || bare.Appends() {
		t.Error("the powers of a storage are not those of what it wraps")
	}
	id := vcon.NewID("x.example")
	for _, g := range []*chain.Guarded{full, bare} {
		if _, err := g.Get(t.Context(), id); !errors.Is(err, chain.ErrNotStored) {
			t.Errorf("get = %v", err)
		}
		if err := g.Delete(t.Context(), id, nil); err != nil {
			t.Errorf("delete = %v", err)
		}
	}
}

func TestMemoryGivesWhatWasPut(t *testing.T) {
	t.Parallel()
	doc := chaintest.Document(t, "")
	m := &chaintest.Memory{}
	m.Put(doc)
	if got, err := m.Get(t.Context(), doc.ID()); err != nil || got != doc {
		t.Errorf("get = %v, %v", got, err)
	}
}

func TestRetryable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"plain":                 {errDown, false},
		"deadline":              {fmt.Errorf("get: %w", context.DeadlineExceeded), true},
		"cancelled":             {context.Canceled, false},
		"chain timeout":         {chain.ErrTimeout, true},
		"permanent deadline":    {chain.Permanent(context.DeadlineExceeded), false},
		"link, another attempt": {&chain.LinkError{Link: "x", Err: errDown, Again: &chain.Again{}}, true},
		"link, no attempt left": {&chain.LinkError{Link: "x", Err: context.DeadlineExceeded}, false},
	} {
		if got := chain.Retryable(c.err); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if chain.Permanent(nil) != nil || chain.IsPermanent(errDown) {
		t.Error("Permanent")
	}
}

func TestLinkErrorNamesWhatFailed(t *testing.T) {
	t.Parallel()
	err := &chain.LinkError{Chain: "c", Link: "redact", Module: "oci://r/redact:1", Digest: "sha256:ab", Err: errDown}
	if got := err.Error(); got != `link "redact" (oci://r/redact:1, sha256:ab): down` {
		t.Error(got)
	}
	if got := (&chain.LinkError{Link: "tag", Module: "links.tag", Err: errDown}).Error(); got != `link "tag" (links.tag): down` {
		t.Error(got)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	o := chain.ReadOptions([]byte(`{"a":"x","b":5432,"c":"yes","d":0,"e":"12","f":["p","q"],"g":"one","h":{"k":"v","n":1},"i":null,"j":1.5,"l":"1m30s","m":"2","old":1}`))
	o.Ignore("old")
	if o.Text("a", "") != "x" || o.Text("b", "") != "5432" || !o.Bool("c", false) || o.Bool("d", true) || o.Int("e", 0, 0, 20) != 12 ||
		strings.Join(o.Texts("f"), " ") != "p q" || o.Texts("g")[0] != "one" || o.TextMap("h")["n"] != "1" || o.Text("i", "def") != "def" ||
		o.Duration("j", 0, 0, time.Minute) != 1500*time.Millisecond || o.Duration("l", 0, 0, time.Hour) != 90*time.Second ||
		o.Duration("m", 0, 0, time.Hour) != 2*time.Second || o.Duration("absent", time.Second, 0, time.Hour) != time.Second || o.Has("i") || !o.Has("j") || o.Int("absent", 7, 0, 9) != 7 {
		t.Error("an option is read wrongly")
	}
	if err := o.Err(); err != nil {
		t.Error(err)
	}
	bad := chain.ReadOptions([]byte(`{"password":["hunter2"],"b":{},"c":99,"d":"x","extra":1,"f":[1],"h":{"k":[]},"j":9,"l":"soon","m":1e300,"n":"NaN"}`))
	bad.Text("password", "")
	bad.Bool("b", false)
	bad.Int("c", 0, 1, 9)
	bad.Int("d", 0, 1, 9)
	bad.Texts("f")
	bad.TextMap("h")
	bad.Duration("j", 0, time.Second, 2*time.Second)
	bad.Duration("l", 0, 0, time.Hour)
	bad.Duration("m", 0, 0, time.Hour)
	bad.Duration("n", 0, 0, time.Hour)
	err := bad.Err()
	for _, name := range []string{"password", "b", "c", "d", "f", "h", "j", "l", "m", "n"} {
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("the error does not name %q: %v", name, err)
		}
	}
	if got := bad.Unknown(); len(got) != 1 || !strings.Contains(got[0], `"extra"`) {
		t.Errorf("unknown: %q", got)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the error holds a value")
	}
	if chain.ReadOptions([]byte(`[]`)).Err() == nil || chain.ReadOptions(nil).Err() != nil {
		t.Error("an array is accepted, or nothing refused")
	}
}

func TestGuardedConvertPanics(t *testing.T) {
	t.Parallel()
	g := chain.NewGuarded("m", &chaintest.Memory{}, chain.Guard{Convert: func(*vcon.VCon) (*vcon.VCon, error) { panic("odd") }})
	if err := g.Save(t.Context(), chaintest.Document(t, ""), 1, nil); !chain.IsPermanent(err) {
		t.Errorf("save: %v, want a permanent error", err)
	}
}

// TestHealth: a storage that fails says so, with why, until it works again; a vCon that it refuses says nothing of it.
func TestHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var answer error
		m := &chaintest.Memory{OnSave: func(context.Context, int, *vcon.VCon, uint64) error { return answer }}
		g := chain.NewGuarded("pg", m, chain.Guard{Tries: 1, Breaker: &chain.Breaker{Failures: 2, Open: time.Minute}})
		save := func(err error) chain.Health {
			answer = err
			_ = g.Save(t.Context(), chaintest.Document(t, ""), 1, nil) // Health tells its error
			return g.Health()
		}
		if h := g.Health(); !h.OK {
			t.Errorf("before anything was asked: %+v", h)
		}
		if h := save(chain.Permanent(errors.New("too large"))); !h.OK {
			t.Errorf("after a vCon that it refused: %+v", h)
		}
		first := save(errDown)
		if first.OK || first.Failures != 1 || first.Error != "down" || first.LeftFor != "" || !first.Since.Equal(time.Now()) {
			t.Errorf("after a failure: %+v", first)
		}
		time.Sleep(time.Second)
		if h := save(errors.New("refused")); h.Failures != 2 || h.Error != "refused" || h.LeftFor != "1m0s" || h.Since != first.Since {
			t.Errorf("after two: %+v", h)
		}
		time.Sleep(time.Minute)
		if h := save(nil); h != (chain.Health{OK: true}) {
			t.Errorf("after it worked: %+v", h)
		}
	})
}
