package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/vconduit/vconduit/internal/top"
)

// topOptions are the flags of top.
type topOptions struct {
	once     bool
	interval time.Duration
	metrics  string // path
}

// topInterval bounds --interval: a server is not to be kept busy by who looks at it.
const topInterval = 200 * time.Millisecond

func topCommand() command {
	return command{
		name:  "top",
		short: "show what the running server does, every second",
		long: "Lists with what waits and how fast it comes and goes; chains with what is in flight and how long a vCon takes; links\n" +
			"and storages with runs, errors and times. Figures are of the last interval. q or Ctrl-C ends it.\n" +
			"--once prints one table, --json one object an interval. Where standard output is no terminal, one table follows the\n" +
			"other. The figures are those of GET /metrics.",
		examples: []string{
			"vconduit top",
			"vconduit top --once --data /var/lib/vconduit",
			"vconduit top --json --interval 10s --server https://vcon.example.com --token TOKEN",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r, o := remoteFlags(fs, io), topOptions{}
			fs.BoolVar(&o.once, "once", false, "print once and end")
			fs.DurationVar(&o.interval, "interval", time.Second, "`time` between two looks, from 200ms")
			fs.StringVar(&o.metrics, "metrics", "/metrics", "`path` of the metrics (telemetry.prometheus.path)")
			return func(ctx context.Context, words []string) error {
				switch {
				case len(words) > 0:
					return usagef("unexpected %q", words[0])
				case o.interval < topInterval:
					return usagef("--interval %s: want %s or more", o.interval, topInterval)
				}
				c, err := r.running()
				if err != nil {
					return err
				}
				defer c.close()
				return watchTop(ctx, c, r, o)
			}
		},
	}
}

// watchTop shows one view after the other until ctx or the user ends it.
func watchTop(ctx context.Context, c *client, r *remote, o topOptions) error {
	before, err := c.sample(ctx, o.metrics)
	if err != nil {
		return err
	}
	show, failed := printer(r), func(err error) error { return err }
	if !o.once && !r.json {
		if screen := openScreen(r.io); screen != nil {
			defer screen.close()
			var stop context.CancelFunc
			ctx, stop = context.WithCancel(ctx)
			defer stop()
			go func() {
				screen.waitForEnd()
				stop()
			}()
			show, failed = screen.show, screen.tell
		}
	}
	tick := time.NewTicker(o.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // the user's wish
		case <-tick.C:
		}
		now, err := c.sample(ctx, o.metrics)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if err := failed(err); err != nil {
				return err
			}
			continue
		}
		if err := show(top.Between(before, now)); err != nil || o.once {
			return err
		}
		before = now
	}
}

// sample asks the server for its figures.
func (c *client) sample(ctx context.Context, path string) (*top.Sample, error) {
	metrics, err := c.send(ctx, request{method: http.MethodGet, path: path})
	if err != nil {
		return nil, err
	}
	if metrics.status != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %w", path, metrics.err())
	}
	ready, err := c.send(ctx, request{method: http.MethodGet, path: "/ready"}) // 503 has the same body
	if err != nil {
		return nil, err
	}
	return top.Read(time.Now(), bytes.NewReader(metrics.body), ready.body)
}

// printer writes views one below the other.
func printer(r *remote) func(top.View) error {
	if r.json {
		enc := json.NewEncoder(r.io.Out)
		return func(v top.View) error { return enc.Encode(v) }
	}
	return func(v top.View) error {
		_, err := fmt.Fprintf(r.io.Out, "%s\n\n", strings.Join(v.Lines(0, 0), "\n"))
		return err
	}
}

// screen is a terminal that shows one view at a time.
type screen struct {
	out, in *os.File
	old     *term.State
}

// What a terminal is told: another page without a cursor, and back; to the upper left; clear to the end of a line, and of
// the page. Source: ECMA-48, and the private modes of xterm.
const (
	screenOpen  = "\x1b[?1049h\x1b[?25l"
	screenClose = "\x1b[?25h\x1b[?1049l"
	screenHome  = "\x1b[H"
	clearLine   = "\x1b[K"
	clearRest   = "\x1b[J"
)

// openScreen takes the terminal over; nil when input or output is none.
func openScreen(io IO) *screen {
	out, ok := io.Out.(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	in, ok := io.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	old, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil
	}
	fmt.Fprint(out, screenOpen)
	return &screen{out: out, in: in, old: old}
}

func (s *screen) close() {
	fmt.Fprint(s.out, screenClose)
	_ = term.Restore(int(s.in.Fd()), s.old) // nothing can be done about it
}

func (s *screen) show(v top.View) error {
	width, height, err := term.GetSize(int(s.out.Fd()))
	if err != nil {
		width, height = 80, 24
	}
	return s.write(v.Lines(width, height))
}

// tell shows why there is nothing to show: the server may come back.
func (s *screen) tell(err error) error {
	return s.write([]string{"no answer from the server, trying again: " + strconv.QuoteToGraphic(err.Error())})
}

func (s *screen) write(lines []string) error {
	var b strings.Builder
	b.WriteString(screenHome)
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + clearLine)
	}
	b.WriteString(clearRest)
	_, err := fmt.Fprint(s.out, b.String())
	return err
}

// waitForEnd returns when the user wants to end: q, Ctrl-C, Ctrl-D, or nobody is there any more.
func (s *screen) waitForEnd() {
	var key [1]byte
	for {
		n, err := s.in.Read(key[:])
		if err != nil || n == 1 && strings.ContainsRune("qQ\x03\x04", rune(key[0])) {
			return
		}
	}
}
