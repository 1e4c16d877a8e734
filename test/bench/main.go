// Package main measures the whole server as its users meet it: the real binary, on loopback, against the bare store.
//
// It prints ratios of one run, because the machines it runs on are shared: start to ready, idle memory, durable ingest
// (204 after fsync) over 64 connections against Store.Submit with the same bytes and against an append that is synced
// in groups, and vCons a second through a chain of tag and file at one and two workers, with where the time goes.
// Everything is bounded in count and time, and every process it starts is ended by its id.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// plan bounds one run.
type plan struct {
	conns, ingest, chain int
	binary, dir          string
}

func main() {
	p := plan{}
	flag.IntVar(&p.conns, "conns", 64, "connections that post at once")
	flag.IntVar(&p.ingest, "n", 20000, "documents for each ingest figure")
	flag.IntVar(&p.chain, "chain", 4000, "documents for each chain figure")
	flag.StringVar(&p.binary, "binary", "", "vconduit binary (default: built from this tree)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if p.dir, err = os.MkdirTemp("", "vconduit-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.dir)) }()
	if p.binary == "" {
		p.binary = filepath.Join(p.dir, "vconduit")
		if err := build(ctx, p.binary); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context, plan) error{startAndIdle, ingest, chains} {
		if err := step(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
