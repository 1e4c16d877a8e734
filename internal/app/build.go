package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/modules"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/worker"
	"github.com/vconduit/vconduit/vcon"
)

// uuidDomain names the maker in the uuids of vCons that links create: the Python server's, so that they look alike.
const uuidDomain = "strolid.com"

// builder makes what runs from what is configured.
type builder struct {
	log      *slog.Logger
	getenv   func(string) string
	store    queue.Queue
	observer *observer
	modules  *moduleLinks // nil: offline
	offline  bool         // check alone: nothing is connected to, compiled or written
	tracers  sharedTracers

	mu   sync.Mutex
	live map[*worker.Plan]*built // not closed yet
}

// built is one configuration, made. Immutable.
type built struct {
	cfg    *config.Config
	plan   *worker.Plan
	chains []string            // that run
	held   map[string][]string // chain -> why it cannot be built
	waits  map[string]bool     // those of held that only wait for a module to be fetched and compiled
	notes  []config.Problem    // what building found odd
	broken map[string]error    // storages that could not be opened -> why
	unread map[string]error    // those of broken that give vCons back
	close  func() error
}

// lists are the ingress lists of every chain, held ones too.
func (b *built) lists() []string {
	var out []string
	for _, c := range b.cfg.Chains {
		out = append(out, c.IngressLists...)
	}
	return out
}

// parts collects what one build opens, so that all of it can be closed.
type parts struct {
	*builder
	files    *modules.Store // reads modules for check; nil: none was wanted yet
	closers  []func() error
	broken   map[string]error // storage -> why it could not be opened
	unread   map[string]error // those of broken that give vCons back
	breakers map[string]*chain.Breaker
	tracers  map[string]chain.NamedTracer // that are open; offline: none
	blind    map[string]error             // tracer -> why it could not be opened
	notes    []config.Problem             // options that do nothing
}

// note warns of options that nobody reads: nobody should believe in them.
func (p *parts) note(cfg *config.Config, path string, pos config.Pos, text string) {
	p.notes = append(p.notes, config.Problem{Severity: config.Warning, Code: "option", File: cfg.File, Pos: pos, Path: path, Message: text})
}

// close gives everything back, the last thing first.
func (p *parts) close() error {
	var errs []error
	for _, c := range slices.Backward(p.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// build makes everything that the configuration names. Nothing in it fails: what cannot be made holds the chains that
// need it. Modules that are not there yet are waited for as long as patience; then their chains are held until they are.
func (b *builder) build(ctx context.Context, cfg *config.Config, patience time.Duration) *built {
	if b.modules != nil {
		b.modules.prepare(ctx, cfg, patience)
	}
	p := &parts{builder: b, broken: map[string]error{}, unread: map[string]error{}, breakers: map[string]*chain.Breaker{},
		tracers: map[string]chain.NamedTracer{}, blind: map[string]error{}}
	client := outbound.New(outbound.Options{})
	p.closers = append(p.closers, func() error { client.Close(); return nil })
	out := &built{cfg: cfg, held: map[string][]string{}, waits: map[string]bool{}, close: p.close}
	out.plan = &worker.Plan{Settings: planSettings(cfg), Env: b.env(cfg, client)}
	for _, s := range cfg.Storages {
		if g := b.openStorage(ctx, p, cfg, s); g != nil {
			out.plan.Storages = append(out.plan.Storages, g)
		}
	}
	for _, t := range cfg.Tracers {
		p.openTracer(ctx, cfg, t)
	}
	out.plan.Unopened = slices.Sorted(maps.Keys(p.broken))
	for _, c := range cfg.Chains {
		if !c.Enabled {
			continue
		}
		made, why, waits := p.chain(cfg, c)
		if len(why) > 0 {
			out.held[c.Name], out.waits[c.Name] = why, waits
			continue
		}
		out.chains = append(out.chains, c.Name)
		for _, list := range c.IngressLists {
			out.plan.Lists = append(out.plan.Lists, worker.Route{List: list, Chain: made})
		}
	}
	out.notes, out.broken, out.unread = p.notes, p.broken, p.unread
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live == nil {
		b.live = map[*worker.Plan]*built{}
	}
	b.live[out.plan] = out
	return out
}

// retire closes what a plan opened once no lease uses it.
func (b *builder) retire(p *worker.Plan) {
	b.mu.Lock()
	old := b.live[p]
	delete(b.live, p)
	b.mu.Unlock()
	if old == nil {
		return
	}
	if err := old.close(); err != nil {
		b.log.Warn("close the parts of an old configuration", "error", err)
	}
}

func (b *builder) env(cfg *config.Config, client *outbound.Client) chain.Env {
	guest := logLevel(cfg.Telemetry.Log.Guest)
	return chain.Env{
		Call: hostabi.Options{HTTP: client, Exists: b.exists, Domain: uuidDomain, Format: cfg.Server.EgressFormat, ListErr: queue.CheckListName},
		KV:   func(link string) hostabi.KV { return linkKV{b.store, link} },
		Log: func(chain, link string, level int, line string) {
			if l := guestLevel(level); l >= guest {
				b.log.Log(context.Background(), l, line, "source", "guest", "chain", chain, "link", link)
			}
		},
		TracerFailed: func(chain, tracer string, err error) {
			b.log.Warn("tracer failed", "chain", chain, "tracer", tracer, "error", err)
		},
	}
}

// guestLevel maps the levels of the guest ABI: 0 debug, 1 info, 2 warn, 3 error.
func guestLevel(level int) slog.Level { return slog.Level(4 * (level - 1)) }

func (b *builder) exists(ctx context.Context, id vcon.ID) (bool, error) {
	_, _, err := b.store.Get(ctx, id)
	if errors.Is(err, queue.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func planSettings(cfg *config.Config) worker.Settings {
	return worker.Settings{
		Strict:       cfg.Queue.Order == "strict",
		Tries:        cfg.Queue.Tries,
		Expiry:       cfg.Queue.Expiry,
		ExpirySet:    cfg.Queue.ExpirySet,
		KeepUnstored: true, // the embedded store is all that its user has
		EgressExpiry: cfg.Queue.EgressExpiry,
	}
}

func (b *builder) openStorage(ctx context.Context, p *parts, cfg *config.Config, s config.Storage) *chain.Guarded {
	entry, ok := builtin.FindStorage(s.Module)
	if !ok {
		return nil // the configuration has held its chains
	}
	options := storageOptions(entry, cfg, s.Options.JSON())
	unknown, err := entry.Check(options)
	for _, text := range unknown {
		p.note(cfg, "storages."+s.Name+".options", s.Pos, text)
	}
	if b.offline {
		if err != nil {
			p.broken[s.Name] = err
		}
		return nil
	}
	store, err := entry.Open(ctx, s.Name, options)
	if err != nil {
		p.broken[s.Name] = err
		if entry.Reads {
			p.unread[s.Name] = err
		}
		return nil
	}
	p.closers = append(p.closers, store.Close)
	version := s.FormatVersion
	if version == "" && entry.Converts {
		version = cfg.Server.EgressFormat
	}
	return chain.NewGuarded(s.Name, store, chain.Guard{Timeout: s.Timeout, RetryFor: s.RetryFor, Convert: converter(version)})
}

// storageOptions are a storage's options, with the address of the live store's Redis where it takes that.
func storageOptions(entry builtin.Storage, cfg *config.Config, raw json.RawMessage) json.RawMessage {
	if entry.Redis == "" || len(cfg.Queue.Redis.URL) == 0 {
		return raw
	}
	options := map[string]json.RawMessage{}
	if raw != nil && json.Unmarshal(raw, &options) != nil {
		return raw // Check says what is wrong
	}
	if given := string(options[entry.Redis]); given != "" && given != "null" && given != `""` {
		return raw
	}
	url, err := json.Marshal(string(cfg.Queue.Redis.URL[0].URL))
	if err != nil {
		return raw
	}
	options[entry.Redis] = url
	if merged, err := json.Marshal(options); err == nil {
		return merged
	}
	return raw
}

// converter writes an older format; nil when version is "".
func converter(version string) func(*vcon.VCon) (*vcon.VCon, error) {
	if version == "" {
		return nil
	}
	return func(v *vcon.VCon) (*vcon.VCon, error) { return v.Downgrade(version) }
}

// chain makes one chain, or says everything that keeps it from being made; waits: nothing but modules that are on the way.
func (p *parts) chain(cfg *config.Config, c config.Chain) (_ *chain.Chain, why []string, waits bool) {
	if len(c.Held) > 0 {
		return nil, c.Held, false // what the configuration itself found is the reason; building would only say it again
	}
	made := &chain.Chain{Name: c.Name, Storages: c.Storages, Egress: c.EgressLists, Mode: egressMode(c.Egress),
		Timeout: c.Timeout, Weight: c.Weight}
	waits = true
	for _, ref := range c.Links {
		step, err := p.step(cfg, ref)
		if err != nil {
			why = append(why, fmt.Sprintf("link %s: %v", ref.Name, err))
			waits = waits && errors.Is(err, errPreparing)
			continue
		}
		made.Steps = append(made.Steps, step)
	}
	for _, name := range c.Storages {
		if err := p.broken[name]; err != nil {
			why, waits = append(why, fmt.Sprintf("storage %s: %v", name, err)), false
		}
	}
	for _, t := range cfg.TracersOf(c) {
		if err := p.blind[t.Name]; err != nil {
			why, waits = append(why, fmt.Sprintf("tracer %s: %v", t.Name, err)), false
		} else if open, ok := p.tracers[t.Name]; ok {
			made.Tracers = append(made.Tracers, open)
		}
	}
	return made, why, waits
}

func onError(s string) chain.OnError {
	if s == "skip" {
		return chain.SkipLink
	}
	return chain.FailChain
}

// breaker is shared by all places of a link: they talk to the same peer.
func (p *parts) breaker(l config.Link) *chain.Breaker {
	if p.breakers[l.Name] == nil {
		p.breakers[l.Name] = &chain.Breaker{Failures: l.Breaker.Failures, Within: l.Breaker.Within, Open: l.Breaker.Open}
	}
	return p.breakers[l.Name]
}

func egressMode(s string) chain.EgressMode {
	switch s {
	case "saved_only":
		return chain.SavedOnly
	case "first":
		return chain.First
	}
	return chain.AfterStorages
}
