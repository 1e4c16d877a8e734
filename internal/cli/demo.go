package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vconduit/vconduit/internal/app"
	"github.com/vconduit/vconduit/modules/examples/talkshare"
	"github.com/vconduit/vconduit/vcon"
)

//go:embed demo
var demoFiles embed.FS

// demoConfig is what the demo writes and serves; its %s are the partner's key, the module's pin and the folder for the files.
const demoConfig = `# Written by "vconduit demo". A partner with this key may post to the list "calls"; the chain reads it.
ingress_auth:
  calls: {name: demo-partner, key: "%s"}
links:
  tag: {module: links.tag, options: {tags: [demo, "desk:support"]}}   # built in
  talkshare:                      # a WebAssembly module that we need not trust: it may do what allow: says, and nothing else
    module: file:talkshare.wasm
    sha256: %s
    options: {report_to: "https://collector.example/"}                # which nothing below grants
    allow: {read: [/parties, /dialog], write: [/analysis/-]}
    limits: {memory: 4MiB, time: 2s}
storages:
  files: {module: storage.file, options: {path: "%s"}}
chains:
  demo:
    ingress_lists: [calls]
    links: [tag, talkshare]
    storages: [files]
    egress_lists: [done]
`

// demoGranted is the talkshare link of demoConfig in words.
const demoGranted = "read /parties and /dialog, append to /analysis, 4 MiB, 2 s; no network, no files, no secrets"

// demoPatience bounds the wait for one vCon: far above what it takes, below what a person waits.
const demoPatience = 30 * time.Second

func demoCommand() command {
	return command{
		name:  "demo",
		short: "the whole way once: start a server, post vCons, show what became of them",
		long: "Starts a server on an embedded store in a temporary folder, posts sample vCons with a partner's key, runs them\n" +
			"through a chain of a builtin link and a sandboxed WebAssembly module, saves them to files, compares each saved file\n" +
			"with what was sent, shows what the module was granted, used and refused, and ends with 0 if all is well.",
		examples: []string{
			"vconduit demo",
			"vconduit demo --keep ./demo      # look at config.yml, the files and the store afterwards",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			keep := fs.String("keep", "", "work in this new `folder` and leave it there")
			return func(ctx context.Context, words []string) error {
				if len(words) > 0 {
					return usagef("unexpected %q", words[0])
				}
				return runDemo(ctx, *keep, io)
			}
		},
	}
}

// demo is one run of the command.
type demo struct {
	io    IO
	dir   string
	key   string
	watch *demoWatch
	cl    *client
	sent  []demoSent

	analyses, refusals int // of the module
}

// demoSent is a document that the server took.
type demoSent struct {
	file string
	id   vcon.ID
	text []byte
}

func runDemo(ctx context.Context, keep string, io IO) (err error) {
	dir, err := demoDir(keep)
	if err != nil {
		return err
	}
	if keep == "" {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	d := &demo{io: io, dir: dir, key: "demo-" + rand.Text(), watch: newDemoWatch()}
	began := time.Now()
	a, err := d.start(ctx)
	if err != nil {
		return err
	}
	runCtx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(runCtx) }()
	d.cl = &client{base: "http://" + a.Addr(), header: "x-conserver-api-token", http: &http.Client{}, close: func() error { return nil }}
	d.printf("The server is ready on %s after %d ms.\n", d.cl.base, time.Since(began).Milliseconds())
	err = d.tell(ctx)
	stop()
	if runErr := <-ended; runErr != nil {
		err = errors.Join(err, fmt.Errorf("the server ended: %w", runErr))
	}
	if err == nil {
		d.farewell(keep)
	}
	return err
}

func demoDir(keep string) (string, error) {
	if keep == "" {
		return os.MkdirTemp("", "vconduit-demo-")
	}
	if err := os.Mkdir(keep, 0o755); err != nil {
		return "", fmt.Errorf("--keep wants a folder that is not there yet: %w", err)
	}
	return filepath.Abs(keep)
}

// start writes the configuration and makes the server.
func (d *demo) start(ctx context.Context) (*app.App, error) {
	files := filepath.Join(d.dir, "files")
	path := filepath.Join(d.dir, "config.yml")
	module := talkshare.Module()
	if err := os.WriteFile(filepath.Join(d.dir, "talkshare.wasm"), module, 0o600); err != nil {
		return nil, err
	}
	pin := sha256.Sum256(module)
	if err := os.WriteFile(path, fmt.Appendf(nil, demoConfig, d.key, hex.EncodeToString(pin[:]), files), 0o600); err != nil {
		return nil, err
	}
	d.printf("A chain reads the list \"calls\", runs the builtin link \"tag\" and the module \"talkshare\", saves to %s.\n", files)
	d.printf("talkshare: %d bytes of WebAssembly, sha256 %x...; granted: %s.\n", len(module), pin[:6], demoGranted)
	return app.New(ctx, app.Options{
		Config: path, Listen: "127.0.0.1:0", Data: filepath.Join(d.dir, "data"),
		Getenv: func(string) string { return "" }, // what the shell has set is for real servers
		Stderr: io.Discard, Watch: d.watch,
	})
}

// tell posts everything, waits for the chain, and compares what was saved with what was sent.
func (d *demo) tell(ctx context.Context) error {
	d.printf("\nA partner posts with its key (POST /vcon/external-ingress?ingress_list=calls):\n")
	names, err := fs.Glob(demoFiles, "demo/*.vcon")
	if err != nil {
		return err
	}
	slices.SortFunc(names, func(a, b string) int { // the good ones first
		return strings.Compare(strings.Replace(a, "/broken", "/~", 1), strings.Replace(b, "/broken", "/~", 1))
	})
	for _, name := range names {
		if err := d.post(ctx, name); err != nil {
			return err
		}
	}
	if err := d.postAgain(ctx); err != nil {
		return err
	}
	d.printf("\nWhat became of them:\n")
	for _, s := range d.sent {
		if err := d.follow(ctx, s); err != nil {
			return err
		}
	}
	return d.account(ctx)
}

func (d *demo) post(ctx context.Context, name string) error {
	text, err := demoFiles.ReadFile(name)
	if err != nil {
		return err
	}
	name = filepath.Base(name)
	rep, err := d.submit(ctx, text, d.key)
	if err != nil {
		return err
	}
	if strings.HasPrefix(name, "broken") {
		return d.refused(name, rep, http.StatusUnprocessableEntity)
	}
	if rep.status != http.StatusNoContent {
		return fmt.Errorf("%s: %w", name, rep.err())
	}
	doc, err := vcon.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	d.sent = append(d.sent, demoSent{name, doc.ID(), text})
	d.printf("  %-18s %5d bytes  204  durable and queued\n", name, len(text))
	return nil
}

// postAgain shows what a partner's mistakes do: nothing.
func (d *demo) postAgain(ctx context.Context) error {
	s := d.sent[0]
	rep, err := d.submit(ctx, s.text, d.key)
	if err != nil {
		return err
	}
	if rep.status != http.StatusNoContent {
		return fmt.Errorf("%s again: %w", s.file, rep.err())
	}
	d.printf("  %-18s again        204  the same bytes: a retry, nothing is queued twice\n", s.file)
	if rep, err = d.submit(ctx, s.text, "a-wrong-key"); err != nil {
		return err
	}
	return d.refused(s.file, rep, http.StatusForbidden)
}

func (d *demo) refused(name string, rep reply, want int) error {
	if rep.status != want {
		return fmt.Errorf("%s: the server answered %d, not %d", name, rep.status, want)
	}
	d.printf("  %-18s refused      %d  %s\n", name, rep.status, rep.detail())
	return nil
}

func (d *demo) submit(ctx context.Context, text []byte, key string) (reply, error) {
	return d.cl.send(ctx, request{method: http.MethodPost, path: "/vcon/external-ingress", query: listQuery("calls"), body: text, key: key})
}

// follow waits for one vCon's end and checks the saved file: the tag is in, every byte that was sent is there.
func (d *demo) follow(ctx context.Context, s demoSent) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	end, err := d.watch.wait(ctx, s.id)
	if err != nil {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	path, saved, err := d.saved(s.id)
	if err != nil {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	added, ok := inserted(s.text, saved)
	if !ok {
		return fmt.Errorf("%s: %s has lost bytes that were sent", s.file, path)
	}
	if !bytes.Contains(saved, []byte("desk:support")) {
		return fmt.Errorf("%s: %s does not have the tag", s.file, path)
	}
	if bytes.Contains(saved, []byte(`"talkshare"`)) {
		d.analyses++
	}
	rel, err := filepath.Rel(d.dir, path)
	if err != nil {
		rel = path
	}
	d.printf("  %s  %s\n    %s; attempt %d, %.1f ms; +%d bytes, the other %d as sent; %s\n", s.id, s.file,
		end.steps, end.report.Attempt, float64(end.report.Took.Microseconds())/1000, added, len(s.text), rel)
	d.guests(end.report.Links)
	return nil
}

// guests tells what modules used and were refused.
func (d *demo) guests(links []app.LinkUse) {
	for _, l := range links {
		if l.Digest == "" {
			continue
		}
		d.printf("    %s used %.1f ms, %d KiB of memory, %d host calls, %d bytes of edits\n", l.Link,
			float64(l.Took.Microseconds())/1000, l.Memory>>10, l.HostCalls, l.Edits)
		for _, text := range l.Denied {
			d.printf("    %s was refused: %s\n", l.Link, text)
			d.refusals++
		}
	}
}

func (d *demo) saved(id vcon.ID) (path string, text []byte, err error) {
	err = filepath.WalkDir(filepath.Join(d.dir, "files"), func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasPrefix(e.Name(), id.String()) {
			path = p
		}
		return err
	})
	if err == nil && path == "" {
		err = errors.New("no file was saved")
	}
	if err != nil {
		return "", nil, err
	}
	text, err = os.ReadFile(path)
	return path, text, err
}

// inserted says how many bytes were put into sent to make saved, in two places at most; not ok: something else happened.
func inserted(sent, saved []byte) (n int, ok bool) {
	n = len(saved) - len(sent)
	for len(sent) > 0 && len(saved) > 0 && sent[0] == saved[0] {
		sent, saved = sent[1:], saved[1:]
	}
	for len(sent) > 0 && len(saved) > 0 && sent[len(sent)-1] == saved[len(saved)-1] {
		sent, saved = sent[:len(sent)-1], saved[:len(saved)-1]
	}
	return n, bytes.Contains(saved, sent)
}

// account compares what went in with what came out.
func (d *demo) account(ctx context.Context) error {
	var done, dead []string
	if err := d.cl.get(ctx, request{method: http.MethodGet, path: "/vcon/egress",
		query: map[string][]string{"egress_list": {"done"}, "limit": {"100"}}}, &done); err != nil {
		return err
	}
	if err := d.cl.get(ctx, request{method: http.MethodGet, path: "/dlq", query: listQuery("calls")}, &dead); err != nil {
		return err
	}
	d.printf("\n%d accepted, %d saved, %d on the egress list \"done\", %d dead letters.\n", len(d.sent), len(d.sent), len(done), len(dead))
	if len(done) != len(d.sent) || len(dead) != 0 {
		return errors.New("these should have been all on the egress list, and none dead")
	}
	if d.analyses == 0 || d.refusals < d.analyses {
		return fmt.Errorf("the module appended %d analyses and was refused the network %d times: it should have asked for it each time", d.analyses, d.refusals)
	}
	return nil
}

func (d *demo) farewell(keep string) {
	if keep == "" {
		d.printf("The folder was removed; `vconduit demo --keep DIR` leaves it.\n")
		return
	}
	d.printf("Everything is in %s. Go on with it:\n  vconduit serve --config %s --data %s\n",
		d.dir, filepath.Join(d.dir, "config.yml"), filepath.Join(d.dir, "data"))
}

func (d *demo) printf(format string, args ...any) { fmt.Fprintf(d.io.Out, format, args...) }
