package app

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vconduit/vconduit/config"
)

// CheckResult is what a server would make of a configuration.
type CheckResult struct {
	File     string              `json:"file"`
	Errors   int                 `json:"errors"`
	Warnings int                 `json:"warnings"`
	Chains   []string            `json:"chains"` // that would run
	Held     map[string][]string `json:"held"`   // chain -> why it cannot be built
	Problems []config.Problem    `json:"problems"`
	// CarriesOver are the links, storages, tracers, chains and followers of the file that run here as they are: nothing in
	// Problems is about them.
	CarriesOver []string `json:"carries_over"`
}

// Check loads a configuration as New does and tries what can be tried offline: options of builtin links are checked,
// modules that are here are inspected; nothing is connected to, compiled or written.
func Check(ctx context.Context, o Options) CheckResult {
	path := config.Path(o.Config, lookup(o.Getenv), ".")
	cfg, report := loadConfig(path, o)
	r := CheckResult{File: path, Problems: append(report.Problems, report.PythonIgnored...), Chains: []string{}, Held: map[string][]string{}, CarriesOver: []string{}}
	if cfg != nil {
		b := &builder{log: slog.New(slog.NewTextHandler(io.Discard, nil)), getenv: o.Getenv, offline: true}
		b.observer = newObserver(prometheus.NewRegistry(), b.log, nil)
		made := b.build(ctx, cfg, 0)
		if made.chains != nil {
			r.Chains = made.chains
		}
		r.Held = made.held
		r.Problems = slices.Concat(r.Problems, made.notes, heldProblems(cfg, made))
		r.CarriesOver = carriesOver(cfg, r.Problems)
		if err := made.close(); err != nil {
			r.Problems = append(r.Problems, config.Problem{Severity: config.Error, Code: "close", File: path, Message: err.Error()})
		}
	}
	for _, p := range r.Problems {
		switch p.Severity {
		case config.Error:
			r.Errors++
		case config.Warning:
			r.Warnings++
		}
	}
	return r
}

// heldProblems says for each chain that the configuration alone did not hold why it cannot be built.
func heldProblems(cfg *config.Config, b *built) []config.Problem {
	var out []config.Problem
	for _, c := range cfg.Chains {
		if len(c.Held) > 0 {
			continue // the report has it
		}
		for _, why := range b.held[c.Name] {
			out = append(out, config.Problem{Severity: config.Warning, Code: config.CodeHeld, File: cfg.File, Pos: c.Pos,
				Path: "chains." + c.Name, Message: "the chain is held: " + why})
		}
	}
	return out
}

// carriesOver are the named things of the file that no problem is about.
func carriesOver(cfg *config.Config, problems []config.Problem) []string {
	out := []string{}
	add := func(section, name string) {
		if !slices.ContainsFunc(problems, func(p config.Problem) bool { return p.About(section, name) }) {
			out = append(out, section+": "+name)
		}
	}
	for _, l := range cfg.Links {
		add("links", l.Name)
	}
	for _, s := range cfg.Storages {
		add("storages", s.Name)
	}
	for _, t := range cfg.Tracers {
		add("tracers", t.Name)
	}
	for _, c := range cfg.Chains {
		add("chains", c.Name)
	}
	for _, f := range cfg.Followers {
		add("followers", f.Name)
	}
	return out
}
