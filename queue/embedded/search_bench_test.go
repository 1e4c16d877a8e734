package embedded

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// speaker makes texts whose words are as unevenly common as those of a language.
type speaker struct {
	zipf *rand.Zipf
	b    strings.Builder
}

func newSpeaker(seed uint64) *speaker {
	return &speaker{zipf: rand.NewZipf(rand.New(rand.NewPCG(seed, 1)), 1.1, 8, 40_000)}
}

func (s *speaker) text(size int) string {
	s.b.Reset()
	for s.b.Len() < size {
		fmt.Fprintf(&s.b, "w%d ", s.zipf.Uint64())
	}
	return s.b.String()
}

// spoken is a document with a transcript of so many bytes.
func (s *speaker) spoken(tb testing.TB, n, size int) *vcon.VCon {
	tb.Helper()
	id := vcon.ID{1, 0x98, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0x80, 0, 0x80}
	doc, err := vcon.Parse(fmt.Appendf(nil, `{"uuid":%q,"created_at":"%s","subject":"call %d","parties":[{"tel":"+1555%d","name":"Ann"}],
		"analysis":[{"type":"transcript","encoding":"none","body":%q}]}`, id,
		time.Unix(1767225600+int64(n), 0).UTC().Format(time.RFC3339), n, n, s.text(size)))
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

// BenchmarkIngestWords stores transcripts from 64 callers at once, with and without the text index; the ratio is what
// the index costs who submits. found/s is the rate until the last of them can be found.
func BenchmarkIngestWords(b *testing.B) {
	for _, size := range []int{4 << 10, 100 << 10} {
		for _, mode := range []string{"with", "without"} {
			b.Run(fmt.Sprintf("%dkB/%s", size>>10, mode), func(b *testing.B) {
				s := openTest(b, b.TempDir(), Options{wordless: mode == "without"})
				defer s.Close()
				docs := make([]*vcon.VCon, b.N)
				for i, speaker := 0, newSpeaker(1); i < b.N; i++ {
					docs[i] = speaker.spoken(b, i, size-300)
				}
				b.SetBytes(int64(size))
				b.ResetTimer()
				submitAll(b, s, docs)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
				if mode == "with" {
					b.StopTimer()
					began := b.Elapsed()
					rest := time.Now()
					settle(b, s)
					b.ReportMetric(float64(b.N)/(began+time.Since(rest)).Seconds(), "found/s")
				}
			})
		}
	}
}

func submitAll(b *testing.B, s *Store, docs []*vcon.VCon) {
	var wg sync.WaitGroup
	for w := range callers {
		wg.Go(func() {
			for i := w; i < len(docs); i += callers {
				if _, err := s.Submit(b.Context(), queue.Submission{Doc: docs[i]}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// settle waits until everything can be found.
func settle(b *testing.B, s *Store) {
	for {
		err := s.catchUp(context.Background())
		if err == nil {
			return
		}
		if !errors.Is(err, queue.ErrBehind) {
			b.Fatal(err)
		}
	}
}

// BenchmarkSearch asks a store of 100,000 small vCons for a page of 100.
func BenchmarkSearch(b *testing.B) {
	if testing.Short() {
		b.Skip("stores 100,000 vCons first")
	}
	s := openTest(b, b.TempDir(), Options{})
	defer s.Close()
	speaker := newSpeaker(2)
	for n := 0; n < 100_000; n += 10_000 {
		docs := make([]*vcon.VCon, 10_000)
		for i := range docs {
			docs[i] = speaker.spoken(b, n+i, 300)
		}
		submitAll(b, s, docs)
	}
	settle(b, s)
	for _, q := range []struct {
		name string
		t    queue.Terms
	}{
		{"rare", queue.Terms{Text: "w30000"}},
		{"common", queue.Terms{Text: "w0"}},
		{"in-all", queue.Terms{Text: "call"}},
		{"two-words", queue.Terms{Text: "w0 w100"}},
		{"phrase", queue.Terms{Text: `"w1 w0 w2"`}},
		{"prefix", queue.Terms{Text: "w39*"}},
		{"not", queue.Terms{Text: "w0 -w1"}},
		{"common-and-party", queue.Terms{Text: "w0", Tel: "+155577777"}},
		{"common-in-an-hour", queue.Terms{Text: "w0", Since: time.Unix(1767225600+50_000, 0), Until: time.Unix(1767225600+53_600, 0)}},
	} {
		b.Run(q.name, func(b *testing.B) {
			q.t.Limit = 100
			found := 0
			for b.Loop() {
				ids, err := s.Search(b.Context(), q.t)
				if err != nil {
					b.Fatal(err)
				}
				found = len(ids)
			}
			b.ReportMetric(float64(found), "found")
		})
	}
}
