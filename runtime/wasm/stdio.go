package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/sys"

	"github.com/vconduit/vconduit/hostabi"
)

// The three files that there are.
const stdin, stdout, stderr = 0, 1, 2

// stdioOnly is the answer of what makes no difference to the three files and cannot be done to others.
func stdioOnly(_ context.Context, _ *guest, _ memory, s []uint64) uint64 {
	if uint32(s[0]) > stderr {
		return wasiBadFile
	}
	return wasiOK
}

func fdSeek(_ context.Context, _ *guest, _ memory, s []uint64) uint64 {
	if uint32(s[0]) > stderr {
		return wasiBadFile
	}
	return wasiSeek
}

// Rights of WASI: fd_read, fd_write, poll_fd_readwrite.
const rightRead, rightWrite, rightPoll = 1 << 1, 1 << 6, 1 << 27

// fdStatGet describes a file: of no type, so that nobody takes it for a terminal and writes by the line.
func fdStatGet(_ context.Context, _ *guest, m memory, s []uint64) uint64 {
	fd := uint32(s[0])
	if fd > stderr {
		return wasiBadFile
	}
	b, ok := m.bytes(s[1], 24)
	if !ok {
		return wasiFault
	}
	clear(b)
	rights := uint64(rightWrite | rightPoll)
	if fd == stdin {
		rights = rightRead | rightPoll
	}
	binary.LittleEndian.PutUint64(b[8:], rights)
	return wasiOK
}

func fdFileStatGet(_ context.Context, _ *guest, m memory, s []uint64) uint64 {
	if uint32(s[0]) > stderr {
		return wasiBadFile
	}
	b, ok := m.bytes(s[1], 64)
	if !ok {
		return wasiFault
	}
	clear(b)
	return wasiOK
}

// vectors calls do for the byte ranges that fd_read and fd_write name, until it says stop.
func (m memory) vectors(list, n uint64, do func(b []byte) (more bool)) uint64 {
	if n > 1<<28 {
		return wasiFault
	}
	table, ok := m.bytes(list, 8*n)
	if !ok {
		return wasiFault
	}
	for ; len(table) > 0; table = table[8:] {
		b, ok := m.bytes(uint64(binary.LittleEndian.Uint32(table)), uint64(binary.LittleEndian.Uint32(table[4:])))
		if !ok {
			return wasiFault
		}
		if !do(b) {
			break
		}
	}
	return wasiOK
}

func fdRead(_ context.Context, g *guest, m memory, s []uint64) uint64 {
	if uint32(s[0]) != stdin {
		return wasiBadFile
	}
	total := 0
	errno := m.vectors(s[1], uint64(uint32(s[2])), func(b []byte) bool {
		n := copy(b, g.stdin)
		g.stdin = g.stdin[n:]
		total += n
		return len(g.stdin) > 0
	})
	if errno == wasiOK && !m.put32(s[3], uint32(total)) {
		return wasiFault
	}
	return errno
}

func fdWrite(ctx context.Context, g *guest, m memory, s []uint64) uint64 {
	to := g.stdout
	switch uint32(s[0]) {
	case stdout:
	case stderr:
		to = g.stderr
	default:
		return wasiBadFile
	}
	total := uint32(0)
	errno := m.vectors(s[1], uint64(uint32(s[2])), func(b []byte) bool {
		endIfOver(ctx)
		to.write(b)
		total += uint32(len(b))
		return true
	})
	if errno == wasiOK && !m.put32(s[3], total) {
		return wasiFault
	}
	return errno
}

// endIfOver ends a run whose time is over while it is in a host function.
func endIfOver(ctx context.Context) {
	if ctx.Err() != nil {
		panic(sys.NewExitError(sys.ExitCodeDeadlineExceeded))
	}
}

// writer takes what a guest prints.
type writer interface{ write(b []byte) }

// answer collects the standard output of a command, up to a limit that ends the run.
type answer struct {
	bytes.Buffer
	limit int64
}

func (a *answer) write(b []byte) {
	if a.limit >= 0 && int64(a.Len()+len(b)) > a.limit {
		panic(limitError("edits", fmt.Sprintf("%d bytes on standard output", a.limit)))
	}
	a.Write(b)
}

// maxLine is how much of a line is kept, the log cuts there too; maxLooked how much in all is looked at for lines: one
// call can print the same megabyte a hundred thousand times.
const maxLine, maxLooked = 1 << 10, 4 << 20

// logger makes log lines of what a guest prints, and keeps the end of it for the reason of a failure.
type logger struct {
	call   func() *hostabi.Call
	level  int32
	line   []byte
	tail   []byte
	looked int  // bytes
	full   bool // the log takes no more: nothing is looked at any more
}

func (l *logger) write(b []byte) {
	l.keep(b)
	if l.looked += len(b); l.looked > maxLooked {
		l.full = true
	}
	for len(b) > 0 && !l.full {
		line, rest, ended := bytes.Cut(b, []byte("\n"))
		l.line = append(l.line, line[:min(len(line), maxLine-min(len(l.line), maxLine))]...)
		if ended {
			l.flush()
		}
		b = rest
	}
}

// keep remembers the last maxLine bytes.
func (l *logger) keep(b []byte) {
	if len(b) >= maxLine {
		l.tail = append(l.tail[:0], b[len(b)-maxLine:]...)
		return
	}
	l.tail = append(l.tail, b...)
	if over := len(l.tail) - maxLine; over > 0 {
		l.tail = append(l.tail[:0], l.tail[over:]...)
	}
}

// flush logs the line that has come together; an empty one is none.
func (l *logger) flush() {
	if line := strings.TrimRight(strings.ToValidUTF8(string(l.line), "\uFFFD"), "\r"); line != "" {
		l.full = l.call().Log(l.level, []byte(line)) != 0
	}
	l.line = l.line[:0]
}

// last is the end of what was printed, with secrets masked as in every line.
func (l *logger) last() string {
	return l.call().Mask(strings.TrimSpace(strings.ToValidUTF8(string(l.tail), "\uFFFD")))
}

// A subscription and an event of poll_oneoff, in bytes, the kinds of a subscription, and how many one call takes.
const (
	subscriptionSize, eventSize = 48, 32
	pollClock                   = 0
	pollAbsolute                = 1
	maxSubscriptions            = 1 << 10
)

// pollOneoff waits for the first of several clocks, or not at all when a file is among what is waited for: the three
// files are always ready. It waits no longer than the run may take.
func pollOneoff(ctx context.Context, _ *guest, m memory, s []uint64) uint64 {
	n := uint64(uint32(s[2]))
	if n == 0 || n > maxSubscriptions {
		return wasiInvalid
	}
	subs, ok := m.bytes(s[0], n*subscriptionSize)
	out, ok2 := m.bytes(s[1], n*eventSize)
	if !ok || !ok2 {
		return wasiFault
	}
	events := due(ctx, subs)
	copy(out, events)
	if !m.put32(s[3], uint32(len(events)/eventSize)) {
		return wasiFault
	}
	return wasiOK
}

// due waits for what subscriptions name and gives the events of those that are due then.
func due(ctx context.Context, subs []byte) (events []byte) {
	var waits []time.Duration
	first := time.Duration(1<<63 - 1)
	for sub := range slices.Chunk(subs, subscriptionSize) {
		wait := time.Duration(0)
		if sub[8] == pollClock {
			wait = untilDue(sub)
		}
		waits, first = append(waits, wait), min(first, wait)
	}
	pause(ctx, first)
	for i, wait := range waits {
		if wait <= first {
			events = append(events, event(subs[i*subscriptionSize:])...)
		}
	}
	return events
}

// event is that of a subscription that is due.
func event(sub []byte) []byte {
	e := make([]byte, eventSize)
	copy(e, sub[:8])
	if sub[8] != pollClock && binary.LittleEndian.Uint32(sub[16:]) > stderr {
		binary.LittleEndian.PutUint16(e[8:], wasiBadFile)
	}
	e[10] = sub[8]
	return e
}

// untilDue is how long a clock subscription waits.
func untilDue(sub []byte) time.Duration {
	timeout := binary.LittleEndian.Uint64(sub[24:])
	if binary.LittleEndian.Uint16(sub[40:])&pollAbsolute != 0 {
		timeout -= min(clock(binary.LittleEndian.Uint32(sub[16:])), timeout)
	}
	return time.Duration(min(timeout, 1<<63-1))
}

// pause waits, and ends the run when its time is over first.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		endIfOver(ctx)
	}
}
