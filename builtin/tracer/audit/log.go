package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// fileSize is the size at which a new file begins. Opening reads the newest one whole.
const fileSize = 16 << 20

// head is where the chain of a vCon, or of the whole log, ends: the number of its last record and that one's sum.
type head struct {
	n   uint64
	sum string
}

// log writes the files. Safe for concurrent use.
type log struct {
	c    Config
	size int64 // of a file when the next begins
	lock *os.File

	mu     sync.Mutex
	turn   sync.Cond // on mu: a sync ended
	file   *os.File  // the newest; nil: none yet
	began  time.Time // its first record's time
	length int64     // of file
	sealed []*sealed // older files, oldest first
	head   head
	heads  map[vcon.ID]head // of the vCons in file
	synced uint64           // records up to this one are durable
	busy   bool             // a sync is going on
	broken error            // nothing more is written
}

// openLog opens the log of a folder, which is made if need be.
func openLog(c Config, size int64) (_ *log, err error) {
	dir, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, err
	}
	c.Path = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l := &log{c: c, size: size, heads: map[vcon.ID]head{}}
	l.turn.L = &l.mu
	if l.lock, err = lock(dir); err != nil {
		return nil, err
	}
	if err := l.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("audit log in %s: %w", dir, err), l.lock.Close())
	}
	return l, nil
}

// load finds where the log ends.
func (l *log) load() error {
	names, err := fileNames(l.c.Path)
	if err != nil || len(names) == 0 {
		return err
	}
	newest := names[len(names)-1]
	for _, name := range names[:len(names)-1] {
		s, err := openSealed(filepath.Join(l.c.Path, name))
		if err != nil {
			return err
		}
		l.sealed = append(l.sealed, s)
	}
	if l.file, err = os.OpenFile(filepath.Join(l.c.Path, newest), os.O_RDWR|os.O_APPEND, 0o600); err != nil {
		return err
	}
	text, err := readFile(l.file.Name())
	if err != nil {
		return errors.Join(err, l.file.Close())
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	l.length, l.began = int64(len(whole)), time.Now()
	if l.head, err = l.headBefore(newest); err != nil {
		return errors.Join(err, l.file.Close())
	}
	for line := range lines(whole) {
		l.follow(line)
	}
	l.synced = 0 // what is there may never have been synced
	if err := l.mend(text[len(whole):]); err != nil {
		return errors.Join(err, l.file.Close())
	}
	l.prune()
	return nil
}

// headBefore is where the log ends without its newest file.
func (l *log) headBefore(newest string) (head, error) {
	h := head{n: firstOf(newest) - 1}
	if len(l.sealed) == 0 {
		return h, nil
	}
	text, err := readFile(l.sealed[len(l.sealed)-1].path)
	for line := range lines(text) {
		_, h.sum, _ = cutSum(line)
	}
	return h, err
}

// follow takes over what a line of the newest file says. One that was changed is gone on from as it stands: Verify names
// it for ever.
func (l *log) follow(line []byte) {
	r, sum, err := ParseRecord(line)
	l.head.n, l.head.sum = l.head.n+1, sum
	if err != nil {
		return
	}
	if l.head.n == r.N && len(l.heads) == 0 {
		l.began = r.At
	}
	l.head.n = r.N
	if r.Kind == KindTrace {
		id, _ := vcon.ParseID(r.VCon) // ParseRecord has done so
		l.heads[id] = head{r.Seq, sum}
	}
}

// mend cuts a torn line away and says so.
func (l *log) mend(torn []byte) error {
	if len(torn) == 0 {
		return nil
	}
	if err := l.file.Truncate(l.length); err != nil {
		return err
	}
	if err := l.write(Record{Kind: KindMended, Cut: len(torn), CutSum: hexSum(torn)}); err != nil {
		return err
	}
	return l.file.Sync()
}

// append writes the record of an event.
func (l *log) append(id vcon.ID, t *Trace) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if err := l.room(); err != nil {
		return fmt.Errorf("audit: a new file: %w", err)
	}
	last, err := l.headOf(id)
	if err != nil {
		return fmt.Errorf("audit: the last record of vcon %s: %w", id, err)
	}
	t.Seq, t.Last = last.n+1, last.sum
	if err := l.write(Record{Kind: KindTrace, Trace: t}); err != nil {
		return fmt.Errorf("audit: write: %w", err)
	}
	l.heads[id] = head{t.Seq, l.head.sum}
	return nil
}

// write puts a record at the end. One that is not written whole is not there.
func (l *log) write(r Record) error {
	r.N, r.Prev, r.At = l.head.n+1, l.head.sum, time.Now().UTC()
	line, sum, err := encode(r)
	if err != nil {
		return err
	}
	if n, err := l.file.Write(append(line, '\n')); err != nil {
		if n > 0 {
			if undo := l.file.Truncate(l.length); undo != nil {
				l.broken = fmt.Errorf("audit: a line is torn: %w", errors.Join(err, undo))
			}
		}
		return err
	}
	l.length += int64(len(line)) + 1
	l.head = head{r.N, sum}
	return nil
}

// headOf is where the chain of a vCon ends; the zero head when it has none.
func (l *log) headOf(id vcon.ID) (head, error) {
	if h, ok := l.heads[id]; ok {
		return h, nil
	}
	for i := len(l.sealed) - 1; i >= 0; i-- {
		if !l.sealed[i].mayHave(id) {
			continue
		}
		h, ok, err := l.sealed[i].headOf(id)
		if err != nil || ok {
			return h, err
		}
	}
	return head{}, nil
}

// flush returns when everything that was written before the call is durable. Callers that come while a sync runs share the
// next one.
func (l *log) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for want := l.head.n; l.synced < want; {
		if l.broken != nil {
			return l.broken
		}
		if l.busy {
			l.turn.Wait()
			continue
		}
		l.sync()
	}
	return nil
}

// sync makes durable what is written, mu being free meanwhile. A sync that failed says nothing of what is on the disk, and
// the next one would say nothing either: the log is broken until it is opened again.
func (l *log) sync() {
	file, upTo := l.file, l.head.n
	l.busy = true
	l.mu.Unlock()
	err := file.Sync()
	l.mu.Lock()
	l.busy = false
	if err != nil {
		l.broken = fmt.Errorf("audit: sync: %w", err)
	} else {
		l.synced = max(l.synced, upTo)
	}
	l.turn.Broadcast()
}

// room begins a file where there is none, or where the newest has its size. Files that records may be dropped with are
// begun ten times in the time that records are kept.
func (l *log) room() error {
	old := l.c.Keep > 0 && time.Since(l.began) > l.c.Keep/10
	if l.file != nil && (l.length < l.size && !old || len(l.heads) == 0) {
		return nil
	}
	for l.busy {
		l.turn.Wait()
	}
	if l.broken != nil {
		return l.broken
	}
	next, err := l.create()
	if err != nil {
		return err
	}
	if l.file != nil {
		if err := l.seal(); err != nil {
			return errors.Join(err, next.Close(), os.Remove(next.Name()))
		}
	}
	l.file, l.length, l.began, l.heads = next, 0, time.Now(), map[vcon.ID]head{}
	l.prune()
	return nil
}

// create makes the file that begins with the next record.
func (l *log) create() (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(l.c.Path, nameOf(l.head.n+1)), os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syncDir(l.c.Path); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

// seal ends the newest file.
func (l *log) seal() error {
	if err := l.file.Sync(); err != nil {
		l.broken = fmt.Errorf("audit: sync: %w", err)
		return l.broken
	}
	l.synced = l.head.n
	s := newSealed(l.file.Name(), l.length, l.heads)
	l.sealed = append(l.sealed, s)
	_, _ = s.writeIndex(), l.file.Close() // the index is made again when it is not there, and the records are synced
	return nil
}

// prune removes the oldest files that nothing asks for any more.
func (l *log) prune() {
	total := l.length
	for _, s := range l.sealed {
		total += s.size
	}
	for len(l.sealed) > 0 {
		s := l.sealed[0]
		aged := l.c.Keep > 0 && time.Since(s.ended) > l.c.Keep
		if !aged && (l.c.MaxSize == 0 || total <= l.c.MaxSize) {
			return
		}
		if s.remove() != nil {
			return // tried again with the next file
		}
		total -= s.size
		l.sealed = l.sealed[1:]
	}
}

// close makes everything durable and lets go of the folder.
func (l *log) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.busy {
		l.turn.Wait()
	}
	if errors.Is(l.broken, chain.ErrClosed) {
		return nil
	}
	var errs []error
	if l.file != nil {
		if l.broken == nil && l.synced < l.head.n {
			errs = append(errs, l.file.Sync())
			l.synced = l.head.n
		}
		errs = append(errs, l.file.Close())
	}
	l.broken = chain.ErrClosed
	return errors.Join(append(errs, l.lock.Close())...)
}
