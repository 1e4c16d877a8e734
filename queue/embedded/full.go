package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"

	"github.com/vconduit/vconduit/queue"
)

// SQLite's result codes that need another answer than "unavailable"; extended codes have these in their low byte.
const (
	codeFull  = 13
	codeIOErr = 10
)

// ioFsync are the extended codes of a failed fsync: of a file and of a folder.
var ioFsync = [...]int{codeIOErr | 4<<8, codeIOErr | 5<<8}

// errFsync marks a failed fsync of a blob.
var errFsync = errors.New("fsync failed")

func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// isFull reports a full disk or quota.
func isFull(err error) bool {
	return sqliteCode(err)&0xff == codeFull || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// outward makes an error of the store one of the contract. A failed fsync ends the process: what the kernel dropped
// cannot be written again, so no later answer could be trusted.
func (s *Store) outward(err error) error {
	code := sqliteCode(err)
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return fmt.Errorf("%w: %w", queue.ErrFull, err)
	case code == ioFsync[0], code == ioFsync[1], errors.Is(err, errFsync):
		s.failed.Do(func() { s.opt.Fatal(fmt.Errorf("store %s: %w", s.dir, err)) })
		return fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
	case code != 0:
		return fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
	}
	return err
}

// makeRoom answers a full disk: from now on Submit is refused, and for anything else the ballast goes. It reports
// whether trying again makes sense.
func (s *Store) makeRoom(grows bool) bool {
	if !s.full.Swap(true) {
		s.log.Error("disk full: submissions are refused until there is room", "dir", s.dir)
	}
	if grows {
		return false
	}
	return os.Remove(s.ballast()) == nil
}

// recheckEvery is how often a full disk is looked at again.
const recheckEvery = time.Second

// roomAgain looks, at most once a second, whether a full disk has room for the ballast and as much again.
func (s *Store) roomAgain() {
	now := time.Now()
	last := s.rechecked.Load()
	if last != nil && now.Sub(*last) < recheckEvery || !s.rechecked.CompareAndSwap(last, &now) {
		return
	}
	var st unix.Statfs_t
	if err := unix.Statfs(s.dir, &st); err != nil || int64(st.Bavail)*st.Bsize < 2*max(s.opt.Ballast, 0)+groupBytes {
		return
	}
	if err := s.makeBallast(); err == nil && s.full.Swap(false) {
		s.log.Info("disk has room again: submissions are taken", "dir", s.dir)
	}
}

func (s *Store) ballast() string { return filepath.Join(s.dir, "ballast") }

// makeBallast reserves space that makeRoom can give up. A file that is there is kept.
func (s *Store) makeBallast() error {
	if s.opt.Ballast < 0 {
		return nil
	}
	if st, err := os.Stat(s.ballast()); err == nil && st.Size() == s.opt.Ballast {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.Create(s.ballast())
	if err != nil {
		return err
	}
	if err := fill(f, s.opt.Ballast); err != nil {
		f.Close()
		return errors.Join(err, os.Remove(s.ballast()))
	}
	return f.Close()
}

// fill takes n bytes of disk, by writing where the file system cannot reserve.
func fill(f *os.File, n int64) error {
	if err := unix.Fallocate(int(f.Fd()), 0, 0, n); err == nil {
		return nil
	}
	block := make([]byte, 1<<20)
	for left := n; left > 0; left -= int64(len(block)) {
		if _, err := f.Write(block[:min(left, int64(len(block)))]); err != nil {
			return err
		}
	}
	return nil
}
