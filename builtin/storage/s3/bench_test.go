package s3

import (
	"fmt"
	"testing"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

var sizes = []int{4 << 10, 1 << 20, 20 << 20}

func BenchmarkSave(b *testing.B) {
	s := newBucket(b, testserver.S3(b)).open("")
	for _, size := range sizes {
		for _, parallel := range []int{1, 8} {
			b.Run(fmt.Sprintf("%dKiB/%d", size>>10, parallel), func(b *testing.B) {
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

func BenchmarkGet(b *testing.B) {
	s := newBucket(b, testserver.S3(b)).open("")
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			doc := chaintest.Document(b, `,"x":"`+long(size)+`"`)
			save(b, s, doc)
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := s.Get(b.Context(), doc.ID()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGetUnknown looks through a year of days, as for a vCon that an old server may have stored.
func BenchmarkGetUnknown(b *testing.B) {
	bucket := newBucket(b, testserver.S3(b))
	for day := range 365 {
		bucket.put(fmt.Sprintf("2025/%02d/%02d/x.vcon", day/31+1, day%31+1), nil)
	}
	s := bucket.open("")
	for b.Loop() {
		if doc, err := s.Get(b.Context(), vcon.NewID("s3.example")); err == nil {
			b.Fatal(doc)
		}
	}
}
