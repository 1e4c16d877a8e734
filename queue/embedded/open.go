package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Open opens the folder dir, which is made when it is missing, and returns every lease of an earlier process to its
// list. Close it to let another process in. Errors: queue.ErrLocked when another process has it open,
// queue.ErrFormat when a newer program wrote it, ErrPartial when a restore into it did not end, errors of the file system.
func Open(dir string, o Options) (*Store, error) {
	s, err := open(dir, o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string, o Options) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	if err := removePartial(dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := newStore(dir, lock, o)
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.shut())
	}
	return s, nil
}

func newStore(dir string, lock *os.File, o Options) *Store {
	s := &Store{dir: dir, opt: o, log: o.Logger, lock: lock, epoch: time.Now(),
		urge: make(chan *urge), news: make(chan struct{}, 1), ops: make(chan *op, groupItems), closing: make(chan struct{}), wrote: make(chan struct{}), wake: make(chan struct{}),
		lists: make(map[string]*list), byID: make(map[int64]*list), turns: make(map[string]int),
		grants: make(map[vcon.ID]*grant), ended: newEndings(), loans: make(map[[16]byte]loan)}
	s.alarm = time.AfterFunc(time.Hour, s.ring)
	s.alarm.Stop()
	return s
}

// start opens the database, brings it in order and starts the store's goroutines.
func (s *Store) start() (err error) {
	if err := os.MkdirAll(s.blobPath(""), 0o700); err != nil {
		return err
	}
	if s.writer, err = s.connect(false); err != nil {
		return err
	}
	if err := migrate(s.writer); err != nil {
		return err
	}
	if err := s.loadLists(); err != nil {
		return err
	}
	err = s.recover()
	if isFull(err) && s.makeRoom(false) {
		err = s.recover() // a full disk must not keep the server from emptying it
	}
	if err != nil {
		return err
	}
	if err := errors.Join(s.sweepBlobs(), s.removeSnapshot()); err != nil {
		return err
	}
	if err := s.makeBallast(); err != nil {
		s.makeRoom(false)
	}
	if err := s.connectReaders(); err != nil {
		return err
	}
	if s.checkpointer, err = newCheckpointer(s); err != nil {
		return err
	}
	for _, dir := range []string{s.dir, filepath.Dir(s.dir)} { // their names, too, are on the disk now
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	go s.write()
	s.tasks.Go(s.checkpointer.run)
	s.tasks.Go(s.janitor)
	s.tasks.Go(s.indexer)
	return nil
}

// dsn names a database file for the driver.
func dsn(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_busy_timeout=20000"
}

// connect opens one connection. SQLite is told to wait for another connection's lock, which only a checkpoint that
// truncates the log or a reader from outside ever holds against the writer.
func (s *Store) connect(readonly bool) (*conn, error) {
	c, err := openConn(dsn(filepath.Join(s.dir, databaseFile)))
	if err != nil {
		return nil, err
	}
	pragmas := []string{"page_size=" + fmt.Sprint(pageSize), "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0",
		"secure_delete=FAST", "foreign_keys=OFF", "cache_size=-8000"}
	if readonly {
		pragmas = []string{"query_only=1", "cache_size=-1000"}
	}
	for _, p := range pragmas {
		if _, err := c.exec("PRAGMA " + p); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

func (s *Store) connectReaders() error {
	s.readers = make(chan *conn, s.opt.Readers)
	for range s.opt.Readers {
		c, err := s.connect(true)
		if err != nil {
			return err
		}
		s.readers <- c
	}
	return nil
}

// read lends a reading connection to f.
func (s *Store) read(ctx context.Context, f func(c *conn) error) error {
	select {
	case <-s.closing:
		return queue.ErrClosed
	default:
	}
	select {
	case c := <-s.readers:
		defer func() { s.readers <- c }()
		return s.outward(f(c))
	case <-s.closing:
		return queue.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the store: waiting calls get queue.ErrClosed, the one that the writer has in hand is finished. Leases end
// with it. Closing again gives the same answer.
func (s *Store) Close() error {
	s.once.Do(func() {
		close(s.closing)
		<-s.wrote
		s.alarm.Stop()
		s.tasks.Wait()
		s.endErr = s.shut()
	})
	return s.endErr
}

// shut closes what is open, waiting for readers that are lent.
func (s *Store) shut() error {
	var errs []error
	for range cap(s.readers) {
		if c := s.lent(); c != nil {
			errs = append(errs, c.close())
		}
	}
	if s.checkpointer != nil {
		errs = append(errs, s.checkpointer.c.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// lent waits for a reading connection to come back. While opening failed, fewer than cap(s.readers) were made and
// nobody holds one.
func (s *Store) lent() *conn {
	if s.closed() {
		return <-s.readers
	}
	select {
	case c := <-s.readers:
		return c
	default:
		return nil
	}
}
