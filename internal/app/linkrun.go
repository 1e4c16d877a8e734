package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/wasm"
	link "github.com/vconduit/vconduit/sdk/go"
	"github.com/vconduit/vconduit/vcon"
)

// LinkRun asks for one run of one link over one vCon, outside of any server. Module, Doc and Getenv are required.
type LinkRun struct {
	Module  string // path of a .wasm file, with or without file: before it, or the name of a builtin link
	Doc     *vcon.VCon
	Options json.RawMessage // an object; nil = {}

	// Texts as they stand in a configuration, in YAML or JSON; "" and nil = the defaults there. Relative paths in them
	// begin at the working folder.
	Allow         []string // allow: blocks; lists add up, of what has one value the last counts
	Limits        string   // limits:, or "memory=64MiB,time=30s"
	Secrets       []string // NAME=env:VARIABLE or NAME=file:PATH, granted for the hosts that Allow has under http
	Engine        string
	Input, Output string // of commands

	Getenv func(string) string
	Log    func(LinkLine) // told of each line as the link writes it; nil: nobody. The result has them all
}

// LinkLine is a line that a link logs.
type LinkLine struct {
	Level string `json:"level"` // debug, info, warn, error
	Text  string `json:"text"`
}

// LinkResult says how a run ended. Times are in milliseconds.
type LinkResult struct {
	Outcome  string   `json:"outcome"`            // done, no_change, halt, retry, failed
	Class    string   `json:"class,omitempty"`    // of a failure: trap, limit, denied, refused, failed
	Reason   string   `json:"reason,omitempty"`   // of a failure, or of a retry if the link gave one
	Function []string `json:"function,omitempty"` // of the module that it failed in, innermost first

	Link   string `json:"link"`
	Module string `json:"module"`
	Kind   string `json:"kind"`             // reactor, command, builtin; "" = the module was refused
	Digest string `json:"digest,omitempty"` // "sha256:" and 64 hex digits; none of a builtin

	Compiled float64     `json:"compile_ms"`
	Took     float64     `json:"took_ms"`
	Memory   int64       `json:"memory_bytes"` // most that the module had; 0 of a builtin
	Used     LinkFigures `json:"used"`
	Edits    int         `json:"edits"` // that changed the document

	Routes  []string      `json:"routes"`
	Created []LinkCreated `json:"created"`
	Expire  *float64      `json:"expire_s,omitempty"`       // life in the live store that the link set
	Retry   float64       `json:"retry_after_ms,omitempty"` // until the next attempt that a chain would make

	Denied   []string   `json:"denied"` // what was asked for and not granted
	Log      []LinkLine `json:"log"`
	Warnings []string   `json:"warnings"`

	// Document is what the next link of a chain would get; after a failure or a retry, the one that came.
	Document json.RawMessage `json:"document"`
}

// LinkFigures are what a run used of its limits.
type LinkFigures struct {
	HostCalls    int64 `json:"host_calls"`
	Edits        int64 `json:"edits_bytes"`
	Log          int64 `json:"log_bytes"`
	HTTPRequests int64 `json:"http_requests"`
	HTTPBytes    int64 `json:"http_bytes"`
	Streams      int64 `json:"streams_bytes"`
	KV           int64 `json:"kv_bytes"`
}

// LinkCreated is a vCon that a link made.
type LinkCreated struct {
	UUID     string          `json:"uuid"`
	Lists    []string        `json:"lists"`
	Current  bool            `json:"current"` // it takes the document's place
	Document json.RawMessage `json:"document"`
}

// LinkRunError says everything that is wrong with what was asked for: nothing ran.
type LinkRunError struct{ Problems []string }

func (e *LinkRunError) Error() string { return strings.Join(e.Problems, "\n") }

// RunLink runs a link as a chain of this one step would: under the same grants and limits, and its edits and effects
// kept or dropped by the same code. Effects are told, not carried out; HTTP requests that are granted are sent. Of the
// link's KV store there is an empty one for this run. A module that is refused is a result of the class refused.
//
// Errors: *LinkRunError; the error of ctx when that ended first; the error of a temporary folder.
func RunLink(ctx context.Context, r LinkRun) (*LinkResult, error) {
	step := &linkStep{r: r, out: &LinkResult{Module: r.Module, Routes: []string{}, Created: []LinkCreated{}, Denied: []string{}, Log: []LinkLine{}, Warnings: []string{}}}
	step.out.Document = r.Doc.Bytes()
	defer step.close()
	err := step.prepare(ctx)
	var refused *wasm.RefusedError
	switch {
	case errors.As(err, &refused):
		step.out.fail(err)
		return step.out, nil
	case err != nil:
		return nil, err
	}
	if err := step.run(ctx); err != nil {
		return nil, err
	}
	return step.out, nil
}

// linkStep is one RunLink.
type linkStep struct {
	r       LinkRun
	cfg     *config.Config
	step    chain.Step
	out     *LinkResult
	closers []func()
}

func (s *linkStep) close() {
	for i := range s.closers {
		s.closers[len(s.closers)-1-i]()
	}
}

// prepare makes the step. Errors: *LinkRunError, *wasm.RefusedError, the error of ctx.
func (s *linkStep) prepare(ctx context.Context) error {
	m, err := findModule(s.r.Module)
	if err != nil {
		return &LinkRunError{[]string{err.Error()}}
	}
	s.cfg = config.Default()
	s.step.Name, s.step.Module, s.step.Options = m.link, s.r.Module, s.r.Options
	s.out.Link = m.link
	l, problems := readLinkFlags(s.r, m)
	if len(problems) > 0 {
		return &LinkRunError{problems}
	}
	if m.text == nil {
		return s.builtin(m, l)
	}
	s.out.Digest = m.digest()
	if s.step.Grants, err = moduleGrants(s.cfg, l, s.r.Getenv); err != nil {
		return &LinkRunError{strings.Split(err.Error(), "\n")}
	}
	l.Limits = l.Limits.Over(s.cfg.Sandbox.Defaults)
	s.step.Limits = hostLimits(l.Limits)
	return s.compile(ctx, m, l)
}

// builtin makes the step of a builtin link.
func (s *linkStep) builtin(m *linkModule, l config.Link) error {
	opened, err := builtin.OpenLink(m.builtin, s.r.Options)
	if err != nil {
		return &LinkRunError{[]string{"--options: " + err.Error()}}
	}
	grants := opened.Grants
	if len(s.r.Allow) > 0 {
		if grants, err = narrowed(grants, l.Allow); err != nil {
			return &LinkRunError{[]string{"--allow: " + err.Error()}}
		}
	}
	for _, w := range opened.Warnings {
		s.out.Warnings = append(s.out.Warnings, w.String())
	}
	s.out.Kind = "builtin"
	s.step.Link, s.step.Options, s.step.Grants, s.step.Limits = opened, opened.Options, grants, opened.Limits
	return nil
}

// compile makes the step of a module: as a server does, it also starts it once for no vCon.
func (s *linkStep) compile(ctx context.Context, m *linkModule, l config.Link) error {
	began := time.Now()
	if err := m.foreign(); err != nil {
		return err
	}
	engine, err := wasm.NewEngine(wasm.EngineOptions{})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() { engine.Close(context.WithoutCancel(ctx)) }) // the process ends: nobody could mend what it says
	compiled, err := engine.Compile(ctx, m.text, l.Engine == "interpreter")
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() { compiled.Close(context.WithoutCancel(ctx)) })
	s.out.Kind, s.out.Warnings, s.step.Digest = string(compiled.Info.Kind), append(s.out.Warnings, compiled.Info.Warnings...), compiled.Info.Digest
	made, err := wasm.NewLink(compiled, wasm.LinkOptions{Memory: int64(l.Limits.Memory), Time: l.Limits.Time,
		Input: hostabi.Input{None: l.Input.None, Pointers: l.Input.Pointers}, Output: hostabi.OutputMode(l.Output)})
	if err != nil {
		return err
	}
	call := hostabi.New(ctx, hostabi.Options{Link: m.link, Digest: compiled.Info.Digest, Config: s.r.Options})
	err = made.Start(ctx, call)
	call.Close()
	s.step.Link, s.out.Compiled = made, milliseconds(time.Since(began))
	return err
}

// run runs the step in a chain of its own and takes down what came of it.
func (s *linkStep) run(ctx context.Context) error {
	env, err := s.env(ctx)
	if err != nil {
		return err
	}
	job := chain.Job{Doc: s.r.Doc, Attempt: 1, LinkDone: s.report}
	rand.Read(job.Run[:])
	progress, err := chain.Run(ctx, &chain.Chain{Name: "link-run", Steps: []chain.Step{s.step}}, env, job)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		s.out.fail(err)
		return nil
	}
	return s.keep(progress)
}

// env is what a server gives to its links, with a store that is empty and for this run alone.
func (s *linkStep) env(ctx context.Context) (chain.Env, error) {
	client := outbound.New(outbound.Options{})
	s.closers = append(s.closers, client.Close)
	env := chain.Env{
		Call: hostabi.Options{HTTP: client, Domain: uuidDomain, Format: s.cfg.Server.EgressFormat, ListErr: queue.CheckListName},
		Log:  func(_, _ string, level int, text string) { s.line(level, text) },
	}
	if !s.step.Grants.KV {
		return env, nil
	}
	dir, err := os.MkdirTemp("", "vconduit-link-run-")
	if err != nil {
		return env, fmt.Errorf("a folder for the link's kv store: %w", err)
	}
	s.closers = append(s.closers, func() { os.RemoveAll(dir) })
	cfg := *s.cfg
	cfg.DataDir = dir
	store, err := openStore(&cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return env, err
	}
	s.closers = append(s.closers, func() { store.Close() })
	env.KV = func(link string) hostabi.KV { return linkKV{store, link} }
	return env, nil
}

func (s *linkStep) line(level int, text string) {
	l := LinkLine{Level: strings.ToLower(guestLevel(level).String()), Text: text}
	s.out.Log = append(s.out.Log, l)
	if s.r.Log != nil {
		s.r.Log(l)
	}
}

// report implements chain.Job.LinkDone.
func (s *linkStep) report(r chain.LinkReport) {
	s.out.Outcome, s.out.Took, s.out.Memory = r.Outcome, milliseconds(r.Took), r.Memory
	s.out.Denied = append(s.out.Denied, r.Denied...)
	u := r.Used
	s.out.Used = LinkFigures{u.HostCalls, u.Edits, u.Log, u.HTTPRequests, u.HTTPBytes, u.Streams, u.KV}
}

// keep takes down what a run that did not fail has changed.
func (s *linkStep) keep(p chain.Progress) error {
	doc, err := s.r.Doc.Apply(p.Edits)
	if err != nil {
		return err
	}
	s.out.Document, s.out.Edits = doc.Bytes(), len(p.Edits)
	s.out.Routes = append(s.out.Routes, p.Effects.Routes...)
	for _, c := range p.Effects.Creates {
		s.out.Created = append(s.out.Created, LinkCreated{UUID: c.ID.String(), Lists: append([]string{}, c.Lists...), Current: c.Current, Document: c.Text})
		if c.Current {
			s.out.Document = c.Text
		}
	}
	if p.Effects.Expire != nil {
		seconds := p.Effects.Expire.Seconds()
		s.out.Expire = &seconds
	}
	return nil
}

// fail takes down why a run failed, or is to be repeated.
func (r *LinkResult) fail(err error) {
	var step *chain.LinkError
	if errors.As(err, &step) {
		if step.Again != nil {
			r.Outcome, r.Reason, r.Retry = "retry", step.Err.Error(), milliseconds(step.Again.Delay)
			return
		}
		err = step.Err
	}
	r.Outcome = "failed"
	r.Class, r.Reason, r.Function = classOf(err)
}

func classOf(err error) (class, reason string, function []string) {
	var ended *wasm.RunError
	var refused *wasm.RefusedError
	switch {
	case errors.As(err, &ended):
		return string(ended.Class), ended.Reason, ended.Function
	case errors.As(err, &refused):
		return string(wasm.ClassRefused), strings.Join(refused.Problems, "; "), nil
	case errors.Is(err, link.Denied): // of a builtin
		return string(wasm.ClassDenied), err.Error(), nil
	case errors.Is(err, link.OverQuota):
		return string(wasm.ClassLimit), err.Error(), nil
	}
	return string(wasm.ClassFailed), err.Error(), nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// linkName is what a module is called as a link: its file's name as far as a configuration takes it.
func linkName(base string) string {
	name := strings.Map(func(c rune) rune {
		if c < 0x80 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_.-", c)) {
			return c
		}
		return '_'
	}, base)
	return cmp.Or(name[:min(len(name), 64)], "link")
}
