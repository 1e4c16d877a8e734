package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// callers is how many goroutines wait for an answer at a time, as the connections of a server do.
const callers = 64

// BenchmarkIngest stores 4 kB documents, durable each, from 64 callers at once: in the store, and the same bytes through
// the least that is durable at all. The ratios of one run are what counts.
func BenchmarkIngest(b *testing.B) {
	b.Run("store", func(b *testing.B) {
		s := openTest(b, b.TempDir(), Options{})
		defer s.Close()
		ingest(b, func(ctx context.Context, doc *vcon.VCon) error {
			_, err := s.Submit(ctx, queue.Submission{Doc: doc, Lists: []string{"in"}})
			return err
		})
	})
	b.Run("counted", func(b *testing.B) { // a partner's, with usage and a quota
		s := openTest(b, b.TempDir(), Options{})
		defer s.Close()
		ingest(b, func(ctx context.Context, doc *vcon.VCon) error {
			_, err := s.Submit(ctx, queue.Submission{Doc: doc, Lists: []string{"in"}, Principal: "acme", Quota: 1 << 40})
			return err
		})
	})
	b.Run("append", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "log"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		bare(b, func(docs []*vcon.VCon) error {
			var group []byte
			for _, d := range docs {
				group = append(group, d.Bytes()...)
			}
			if _, err := f.Write(group); err != nil {
				return err
			}
			return unix.Fdatasync(int(f.Fd()))
		})
	})
	b.Run("table", func(b *testing.B) {
		c := bareTable(b)
		defer c.close()
		bare(b, func(docs []*vcon.VCon) error {
			if _, err := c.exec(`BEGIN IMMEDIATE`); err != nil {
				return err
			}
			for _, d := range docs {
				id := d.ID()
				if _, err := c.exec(`INSERT OR REPLACE INTO doc(uuid, text) VALUES(?,?)`, id[:], d.Bytes()); err != nil {
					return err
				}
			}
			_, err := c.exec(`COMMIT`)
			return err
		})
	})
}

// bareTable is SQLite as the store sets it up, with one table.
func bareTable(b *testing.B) *conn {
	b.Helper()
	c, err := openConn("file:" + filepath.Join(b.TempDir(), "bare.db"))
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range []string{"PRAGMA page_size=8192", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
		"CREATE TABLE doc(id INTEGER PRIMARY KEY, uuid BLOB UNIQUE, text BLOB)"} {
		if _, err := c.exec(q); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// ingest measures put from many callers.
func ingest(b *testing.B, put func(context.Context, *vcon.VCon) error) {
	docs := make([]*vcon.VCon, b.N)
	for i := range docs {
		docs[i] = document(b, i, 4096)
	}
	b.SetBytes(int64(len(docs[0].Bytes())))
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				began := time.Now()
				if err := put(b.Context(), docs[i]); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(began)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
	b.ReportMetric(float64(took[b.N/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds()), "p99-µs")
}

// bare measures a writer that takes what waits and calls write once for it.
func bare(b *testing.B, write func([]*vcon.VCon) error) {
	type waiting struct {
		doc  *vcon.VCon
		done chan error
	}
	in := make(chan waiting, groupItems)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for w := range in {
			group := []waiting{w}
			for len(group) < groupItems && len(in) > 0 {
				group = append(group, <-in)
			}
			docs := make([]*vcon.VCon, len(group))
			for i, w := range group {
				docs[i] = w.doc
			}
			err := write(docs)
			for _, w := range group {
				w.done <- err
			}
		}
	}()
	ingest(b, func(_ context.Context, doc *vcon.VCon) error {
		w := waiting{doc, make(chan error, 1)}
		in <- w
		return <-w.done
	})
	close(in)
	<-ended
}

// BenchmarkChain is what the store costs a vCon that a chain works: Submit before the clock starts, then Lease, Commit
// with one appended analysis, Finish with one egress list.
func BenchmarkChain(b *testing.B) {
	for _, workers := range []int{1, 2, 16} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			s := openTest(b, b.TempDir(), Options{})
			defer s.Close()
			var wg sync.WaitGroup
			for w := range callers {
				wg.Go(func() {
					for i := w; i < b.N; i += callers {
						if _, err := s.Submit(b.Context(), queue.Submission{Doc: document(b, i, 4096), Lists: []string{"in"}}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			for range workers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if err := chainRun(b.Context(), s); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "vcons/s")
		})
	}
}

func chainRun(ctx context.Context, s *Store) error {
	ls, err := s.Lease(ctx, queue.Want{Lists: []queue.Weighted{{Name: "in"}}, Max: 1, TTL: time.Minute})
	if err != nil {
		return err
	}
	d := ls[0].Doc.Draft()
	if err := d.Append("/analysis", []byte(`{"type":"summary","body":"short"}`)); err != nil {
		return err
	}
	if _, _, err := s.Commit(ctx, ls[0], queue.Progress{Edits: d.Edits(), Done: []queue.Step{"a#1"}}, []string{"file"}); err != nil {
		return err
	}
	return s.Finish(ctx, ls[0], queue.Outcome{Egress: []string{"out"}})
}
