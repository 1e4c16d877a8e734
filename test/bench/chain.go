package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// chains fills a list while its chain is off, starts the server with it on, and takes the time until the egress list
// has every id: tag and file at one and two workers.
func chains(ctx context.Context, p plan) error {
	base := 0.0
	for _, workers := range []int{1, 2} {
		rate, err := oneChain(ctx, p, workers)
		if err != nil {
			return fmt.Errorf("%d workers: %w", workers, err)
		}
		if base == 0 {
			base = rate
		}
		fmt.Printf("  against one worker      %8.2f\n", rate/base)
	}
	return nil
}

func oneChain(ctx context.Context, p plan, workers int) (rate float64, err error) {
	dir := filepath.Join(p.dir, "chain"+strconv.Itoa(workers))
	if err := fill(ctx, p, dir); err != nil {
		return 0, err
	}
	began := time.Now()
	s, err := start(ctx, p, dir, workers, true)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := s.waitDepth(ctx, "done", p.chain); err != nil {
		return 0, err
	}
	took := time.Since(began)
	rate = float64(p.chain) / took.Seconds()
	fmt.Printf("tag + file, %d worker(s)   %8.0f vCons a second (start included)\n", workers, rate)
	return rate, s.whereTheTimeGoes(ctx)
}

func fill(ctx context.Context, p plan, dir string) (err error) {
	s, err := start(ctx, p, dir, 1, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	docs := make([][]byte, p.chain)
	for i := range docs {
		docs[i] = document(i)
	}
	_, err = measure(ctx, docs, p.conns, poster(s, p.conns))
	return err
}

func (s *server) waitDepth(ctx context.Context, list string, want int) error {
	for {
		var got struct{ Depth int }
		if err := s.get(ctx, "/stats/queue?list_name="+list, func(r io.Reader) error { return json.NewDecoder(r).Decode(&got) }); err != nil {
			return err
		}
		if got.Depth >= want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("list %s has %d of %d: %w", list, got.Depth, want, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *server) get(ctx context.Context, path string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return read(resp.Body)
}

// whereTheTimeGoes splits the time between lease and end by the server's own histograms; what is neither link nor
// storage is the store (Commit, Finish) and waiting for it.
func (s *server) whereTheTimeGoes(ctx context.Context) error {
	sums := map[string]float64{}
	err := s.get(ctx, "/metrics", func(r io.Reader) error {
		sc := bufio.NewScanner(r)
		for sc.Scan() {
			name, value, ok := strings.Cut(sc.Text(), " ")
			metric, _, _ := strings.Cut(name, "{")
			if v, err := strconv.ParseFloat(value, 64); ok && err == nil && strings.HasSuffix(metric, "_sum") {
				sums[metric] += v
			}
		}
		return sc.Err()
	})
	if err != nil {
		return err
	}
	total := sums["conserver_main_loop_vcon_processing_time_seconds_sum"]
	links := sums["conserver_link_execution_time_seconds_sum"]
	files := sums["conserver_storage_duration_ms_sum"] / 1000
	if total == 0 {
		return errors.New("/metrics has no conserver_main_loop_vcon_processing_time_seconds")
	}
	fmt.Printf("  of its time             links %.0f %%, storage %.0f %%, store and waiting %.0f %%\n",
		100*links/total, 100*files/total, 100*(total-links-files)/total)
	return nil
}
