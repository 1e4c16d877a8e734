package cli

import (
	"fmt"
	"time"
)

// progress tells on stderr how far long work is: one line that is overwritten on a terminal, a line every five seconds
// elsewhere, nothing for work that is done at once.
type progress struct {
	io          IO
	word        string
	done, total int // total 0: not known
	began, told time.Time
	open        bool // a line without its newline stands on the terminal
}

func newProgress(io IO, word string, total int) *progress {
	now := time.Now()
	return &progress{io: io, word: word, total: total, began: now, told: now}
}

// to tells that n are done, of all.
func (p *progress) to(n int) { p.add(n - p.done) }

func (p *progress) step() { p.add(1) }

func (p *progress) add(n int) {
	p.done += n
	wait := 5 * time.Second
	if p.io.Terminal {
		wait = 200 * time.Millisecond
	}
	if now := time.Now(); now.Sub(p.told) >= wait {
		p.told = now
		p.line()
	}
}

func (p *progress) line() {
	text := fmt.Sprintf("%s %d, %.0f a second", p.word, p.done, float64(p.done)/time.Since(p.began).Seconds())
	if p.total > 0 {
		text = fmt.Sprintf("%s %d of %d, %.0f a second", p.word, p.done, p.total, float64(p.done)/time.Since(p.began).Seconds())
	}
	if p.io.Terminal {
		fmt.Fprintf(p.io.Err, "\r\x1b[K%s", text)
		p.open = true
		return
	}
	fmt.Fprintln(p.io.Err, text)
}

// say prints a line of its own, above the progress.
func (p *progress) say(format string, args ...any) {
	if p.open {
		fmt.Fprint(p.io.Err, "\r\x1b[K")
		p.open = false
	}
	fmt.Fprintf(p.io.Err, format+"\n", args...)
}

func (p *progress) end() {
	if p.open {
		fmt.Fprintln(p.io.Err)
		p.open = false
	}
}
