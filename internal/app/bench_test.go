package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/internal/testenv"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// benchConfig: %LINKS%, %STORAGE%, %WORKERS%, %MODULE% and %SHA256% are filled in.
const benchConfig = `
server: {workers: %WORKERS%}
telemetry: {log: {level: error}}
links:
  tag: {module: links.tag, options: {tags: [bench]}}
  jq: {module: links.jq_link, options: {filter: "any(.parties[]; .tel != null)"}}
  guest: {module: "file:%MODULE%", sha256: "%SHA256%", allow: {read: [/parties, /dialog], write: [/analysis/-]}}
storages: {kept: %STORAGE%}
chains: {main: {ingress_lists: [calls], links: [%LINKS%], storages: [kept], egress_lists: [done]}}
`

// BenchmarkChain works a backlog of 1 kB vCons through the whole server, from lease to egress: builtin links, a sandboxed
// guest (a fresh instance for each vCon), a real PostgreSQL without fsync.
func BenchmarkChain(b *testing.B) {
	files := func(testing.TB) string {
		return fmt.Sprintf(`{module: storage.file, options: {path: %q}}`, b.TempDir())
	}
	postgres := func(t testing.TB) string { return `{module: storage.postgres, options: ` + postgresOptions(t) + `}` }
	for _, c := range []struct {
		name, links string
		storage     func(testing.TB) string
	}{
		{"tag+file", "tag", files},
		{"tag+jq+file", "tag, jq", files},
		{"tag+jq+guest+file", "tag, jq, guest", files},
		{"tag+jq+guest+postgres", "tag, jq, guest", postgres},
	} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", c.name, workers), func(b *testing.B) {
				benchChain(b, c.links, c.storage(b), workers)
			})
		}
	}
}

func benchChain(b *testing.B, links, storage string, workers int) {
	module := filepath.Join(testenv.Root(b), "modules", "examples", "talkshare", "talkshare.wasm")
	code, err := os.ReadFile(module)
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	file := filepath.Join(dir, "config.yml")
	text := strings.NewReplacer("%WORKERS%", fmt.Sprint(workers), "%LINKS%", links, "%STORAGE%", storage,
		"%MODULE%", module, "%SHA256%", fmt.Sprintf("%x", sha256.Sum256(code))).Replace(benchConfig)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	var log bytes.Buffer
	a, err := New(b.Context(), Options{Config: file, Listen: "127.0.0.1:0", Data: filepath.Join(dir, "data"),
		Getenv: func(string) string { return "" }, Stderr: &log})
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		doc, err := vcon.Parse([]byte(benchDocument(vcon.NewID("example.com"))))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := a.store.Submit(b.Context(), queue.Submission{Doc: doc, Lists: []string{"calls"}}); err != nil {
			b.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	b.ResetTimer()
	go func() { ended <- a.Run(ctx) }()
	for d := (queue.Depth{}); d.Ready < int64(b.N); time.Sleep(time.Millisecond) {
		if d, err = a.store.Depth(ctx, "done"); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "vCons/s")
	stop()
	if err := <-ended; err != nil {
		b.Fatalf("%v\n%s", err, log.String())
	}
}

func benchDocument(id vcon.ID) string {
	turn := `{"type":"text","start":"2026-11-02T09:14:03Z","duration":4.5,"parties":[%d],"mediatype":"text/plain","encoding":"none","body":"%s"}`
	words := strings.Repeat("the parcel has not arrived yet ", 4)
	return fmt.Sprintf(`{"uuid":%q,"created_at":"2026-11-02T09:14:03Z","parties":[{"tel":"+15550100"},{"name":"Ann"}],"dialog":[%s,%s,%s]}`,
		id, fmt.Sprintf(turn, 0, words), fmt.Sprintf(turn, 1, words), fmt.Sprintf(turn, 0, words))
}
