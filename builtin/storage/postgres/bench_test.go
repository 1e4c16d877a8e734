package postgres

import (
	"fmt"
	"testing"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
)

var sizes = []int{4 << 10, 1 << 20, 20 << 20}

// BenchmarkSave saves new vCons; exact is with our columns, plain as the Python server does.
func BenchmarkSave(b *testing.B) {
	server := testserver.StartPostgres(b) // with fsync
	for _, mode := range [][2]string{{"exact", `{}`}, {"plain", `{"keep_bytes":false}`}} {
		s := newPlace(b, testserver.PostgresURL(server)).open(mode[1])
		for _, size := range sizes {
			for _, parallel := range []int{1, 8} {
				b.Run(fmt.Sprintf("%s/%dKiB/%d", mode[0], size>>10, parallel), func(b *testing.B) {
					b.SetBytes(int64(size))
					b.SetParallelism(parallel)
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							if err := s.Save(b.Context(), chaintest.Document(b, `,"x":"`+long(size)+`"`), 1); err != nil {
								b.Error(err)
							}
						}
					})
				})
			}
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := newPlace(b, testserver.Postgres(b)).open("")
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			doc := chaintest.Document(b, `,"x":"`+long(size)+`"`)
			save(b, s, doc, 1)
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := s.Get(b.Context(), doc.ID()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
