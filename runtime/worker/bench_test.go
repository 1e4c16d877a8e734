package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/vconduit/vconduit/builtin/storage/file"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/embedded"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/runtime/worker"
)

// meter sums up where the time of leases goes.
type meter struct {
	worker.NoObserver
	left              atomic.Int64
	took, links, save atomic.Int64
	done              chan struct{}
}

func (m *meter) Finished(r worker.Report) {
	m.took.Add(int64(r.Took))
	m.links.Add(int64(r.Links))
	m.save.Add(int64(r.Saves))
	if m.left.Add(-1) == 0 {
		close(m.done)
	}
}

// BenchmarkTagAndFile works a backlog through a chain of one tagging link and the storage file, on a real store.
func BenchmarkTagAndFile(b *testing.B) {
	for _, workers := range []int{1, 2, 4, 16} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			files, err := file.Open(b.Context(), "files", json.RawMessage(fmt.Sprintf(`{"path":%q}`, b.TempDir())))
			if err != nil {
				b.Fatal(err)
			}
			q, err := embedded.Open(b.TempDir(), embedded.Options{Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer q.Close()
			for range b.N {
				if _, err := q.Submit(b.Context(), queue.Submission{Doc: chaintest.Document(b, ""), Lists: []string{"in"}}); err != nil {
					b.Fatal(err)
				}
			}
			plan := &worker.Plan{
				Lists:    []worker.Route{{List: "in", Chain: &chain.Chain{Name: "c", Steps: []chain.Step{tagging("x", nil)}, Storages: []string{"files"}}}},
				Storages: []*chain.Guarded{chain.NewGuarded("files", files, chain.Guard{})},
			}
			m := &meter{done: make(chan struct{})}
			m.left.Store(int64(b.N))
			pool := worker.New(q, worker.Options{Plan: func() *worker.Plan { return plan }, Workers: workers, Observer: m})
			ctx, cancel := context.WithCancel(b.Context())
			b.ResetTimer()
			go pool.Run(ctx)
			<-m.done
			b.StopTimer()
			cancel()
			n := float64(b.N)
			b.ReportMetric(n/b.Elapsed().Seconds(), "vCons/s")
			b.ReportMetric(float64(m.links.Load())/n/1e3, "µs-links/op")
			b.ReportMetric(float64(m.save.Load())/n/1e3, "µs-saves/op")
			b.ReportMetric(float64(m.took.Load()-m.links.Load()-m.save.Load())/n/1e3, "µs-store/op")
		})
	}
}
