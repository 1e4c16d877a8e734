package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/embedded"
	"github.com/vconduit/vconduit/vcon"
)

// document makes the n-th 4 kB vCon.
func document(n int) []byte {
	id := vcon.NewID("example.com")
	line := "The line drops at eight, every evening; the caller has restarted the router twice already. "
	return fmt.Appendf(nil, `{"uuid":%q,"created_at":"2026-11-02T09:14:03Z","subject":"call %d","parties":[{"tel":"+1555%07d"},{"mailto":"agent%d@example.com"}],`+
		`"dialog":[{"type":"text","start":"2026-11-02T09:14:03Z","parties":[0,1],"mediatype":"text/plain","encoding":"none","body":%q}],"analysis":[],"attachments":[]}`,
		id.String(), n, n%1e7, n%20, strings.Repeat(line, 41))
}

// figures are the latencies of one measurement.
type figures struct {
	took []time.Duration
	all  time.Duration
}

func (f figures) rate() float64 { return float64(len(f.took)) / f.all.Seconds() }

func (f figures) print(what string, base float64) {
	slices.Sort(f.took)
	fmt.Printf("%-25s %8.0f a second, p50 %6.2f ms, p99 %6.2f ms, %5.2f of the bare store\n",
		what, f.rate(), ms(f.took[len(f.took)/2]), ms(f.took[len(f.took)*99/100]), f.rate()/base)
}

// measure runs do for each document over conns goroutines.
func measure(ctx context.Context, docs [][]byte, conns int, do func(ctx context.Context, text []byte) error) (figures, error) {
	f := figures{took: make([]time.Duration, len(docs))}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for range conns {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(docs) || failed.Load() != nil || ctx.Err() != nil {
					return
				}
				t := time.Now()
				if err := do(ctx, docs[i]); err != nil {
					failed.Store(&err)
					return
				}
				f.took[i] = time.Since(t)
			}
		})
	}
	wg.Wait()
	f.all = time.Since(began)
	if e := failed.Load(); e != nil {
		return f, *e
	}
	return f, ctx.Err()
}

// ingest compares POST /vcon/external-ingress with Submit on the bare store and with a synced append.
func ingest(ctx context.Context, p plan) error {
	docs := make([][]byte, p.ingest)
	for i := range docs {
		docs[i] = document(i)
	}
	bare, err := bareStore(ctx, p, docs)
	if err != nil {
		return fmt.Errorf("bare store: %w", err)
	}
	bare.print("ingest: bare store", bare.rate())
	http, err := overHTTP(ctx, p, docs)
	if err != nil {
		return fmt.Errorf("over HTTP: %w", err)
	}
	http.print("ingest: POST, 204", bare.rate())
	raw, err := rawAppend(ctx, p, docs)
	if err != nil {
		return fmt.Errorf("raw append: %w", err)
	}
	raw.print("ceiling: synced append", bare.rate())
	return nil
}

func bareStore(ctx context.Context, p plan, docs [][]byte) (f figures, err error) {
	store, err := embedded.Open(filepath.Join(p.dir, "bare"), embedded.Options{})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return measure(ctx, docs, p.conns, func(ctx context.Context, text []byte) error {
		doc, err := vcon.Parse(text)
		if err != nil {
			return err
		}
		_, err = store.Submit(ctx, queue.Submission{Doc: doc, Lists: []string{"calls"}, Dedupe: time.Minute})
		return err
	})
}

func overHTTP(ctx context.Context, p plan, docs [][]byte) (f figures, err error) {
	s, err := start(ctx, p, filepath.Join(p.dir, "http"), 2, false)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	return measure(ctx, docs, p.conns, poster(s, p.conns))
}

// poster posts with keep-alive connections, as many as callers.
func poster(s *server, conns int) func(context.Context, []byte) error {
	client := &fasthttp.Client{MaxConnsPerHost: conns, ReadTimeout: 30 * time.Second}
	return func(_ context.Context, text []byte) error {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.SetRequestURI(s.url + "/vcon/external-ingress?ingress_list=calls")
		req.Header.SetMethod(fasthttp.MethodPost)
		req.Header.SetContentType("application/json")
		req.Header.Set("x-conserver-api-token", key)
		req.SetBodyRaw(text)
		if err := client.Do(req, resp); err != nil {
			return err
		}
		if resp.StatusCode() != fasthttp.StatusNoContent {
			return fmt.Errorf("status %d: %.200s", resp.StatusCode(), resp.Body())
		}
		return nil
	}
}

// rawAppend writes the same bytes to one file; who waits together is synced together. No store can be faster.
func rawAppend(ctx context.Context, p plan, docs [][]byte) (figures, error) {
	file, err := os.Create(filepath.Join(p.dir, "raw"))
	if err != nil {
		return figures{}, err
	}
	type item struct {
		text []byte
		done chan error
	}
	in := make(chan item, p.conns)
	go func() {
		for first := range in {
			group := []item{first}
			for more := true; more && len(group) < 256; {
				select {
				case it, ok := <-in:
					if more = ok; ok {
						group = append(group, it)
					}
				default:
					more = false
				}
			}
			var err error
			for _, it := range group {
				_, e := file.Write(it.text)
				err = errors.Join(err, e)
			}
			err = errors.Join(err, file.Sync())
			for _, it := range group {
				it.done <- err
			}
		}
	}()
	f, err := measure(ctx, docs, p.conns, func(_ context.Context, text []byte) error {
		it := item{text, make(chan error, 1)}
		in <- it
		return <-it.done
	})
	close(in)
	return f, errors.Join(err, file.Close())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}
