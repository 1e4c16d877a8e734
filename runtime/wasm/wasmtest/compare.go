package wasmtest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

// Compare measures one link run natively and as a guest over the same document, in turns, so that a noisy machine slows
// both. It reports ns/op of a guest's run, ns/op of a native one as native-ns/op, and the first over the second as
// x-native. Each change is made to the options of every call, as to give it a way out.
func Compare(b *testing.B, doc []byte, options json.RawMessage, native chaintest.OpenLink, module []byte, changes ...func(*hostabi.Options)) {
	guest := Guest(b, module, native).Open
	parsed, err := vcon.Parse(doc)
	if err != nil {
		b.Fatal(err)
	}
	run := func(open chaintest.OpenLink) func() time.Duration {
		l, grants, err := open(options)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := l.Close(context.Background()); err != nil {
				b.Error(err)
			}
		})
		return func() time.Duration {
			return once(b, l, hostabi.Options{Doc: parsed.Draft(), Link: "bench", Chain: "bench", Config: options, Grants: grants}, changes)
		}
	}
	first, second := run(native), run(guest)
	first()
	second()
	var slow, fast time.Duration
	for b.Loop() {
		fast += first()
		slow += second()
	}
	b.ReportMetric(float64(slow)/float64(b.N), "ns/op")
	b.ReportMetric(float64(fast)/float64(b.N), "native-ns/op")
	b.ReportMetric(float64(slow)/float64(fast), "x-native")
}

func once(b *testing.B, l chain.Link, o hostabi.Options, changes []func(*hostabi.Options)) time.Duration {
	began := time.Now()
	for _, change := range changes {
		change(&o)
	}
	call := hostabi.New(b.Context(), o)
	defer call.Close()
	if verdict, err := l.Run(b.Context(), call); err != nil || verdict == hostabi.Failed {
		b.Fatal(verdict, err)
	}
	return time.Since(began)
}
