package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"os"
	"path"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/vconduit/vconduit/queue"
)

// The names of a folder's parts, also in what Snapshot gives.
const (
	databaseFile = "store.db"
	blobsFolder  = "blobs"
)

// snapshotFolder has the database of a snapshot. What a crash leaves there goes at the next Open.
const snapshotFolder = "snapshot"

// Snapshot is the store as of one moment, in files that nobody changes until Close.
type Snapshot struct {
	Counts Counts

	s    *Store
	c    *conn
	size int64 // of the database
	once sync.Once
	err  error
}

// Counts say what a store holds.
type Counts struct {
	Format    int   `json:"store_format"` // of the database
	Documents int64 `json:"documents"`    // live ones
	Bytes     int64 `json:"bytes"`        // of their texts
	Entries   int64 `json:"entries"`      // on lists, whatever their state
	Dead      int64 `json:"dead_letters"`
	Values    int64 `json:"kv_values"` // of links
	Files     int64 `json:"files"`     // documents that are files of their own
	FileBytes int64 `json:"file_bytes"`
}

// SnapshotFile is one file of a snapshot.
type SnapshotFile struct {
	Name string // store.db, blobs/xx/...; slash-separated
	Size int64
	Path string // where it lies now
}

// ErrSnapshot says that another snapshot is open: there is one at a time.
var ErrSnapshot = errors.New("embedded: a snapshot is being taken already")

// Snapshot takes one while everything else goes on; writers do not wait. It blocks while the database is copied into the
// folder, which needs as much room on its disk as the database has. Until Close, no file of a document is removed.
// Errors: ErrSnapshot; queue.ErrFull, not enough room; queue.ErrClosed; queue.ErrUnavailable; ctx.Err().
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	if s.closed() {
		return nil, queue.ErrClosed
	}
	if !s.spared.hold() {
		return nil, ErrSnapshot
	}
	n := &Snapshot{s: s}
	until, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.closing:
			cancel()
		case <-until.Done():
		}
	}()
	err := s.roomForSnapshot()
	if err == nil {
		err = s.copyDatabase(until)
	}
	if err == nil {
		err = n.open(until)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("snapshot of store %s: %w", s.dir, s.copyFailed(ctx, err)), n.Close())
	}
	return n, nil
}

// copyFailed is outward for the copy: what befalls that, even a failed fsync, says nothing about the store.
func (s *Store) copyFailed(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.closed():
		return queue.ErrClosed
	case errors.Is(err, queue.ErrFull):
		return err
	case isFull(err):
		return fmt.Errorf("%w: %w", queue.ErrFull, err)
	}
	return fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
}

// roomForSnapshot refuses a copy that would bring the disk near its end: documents come first.
func (s *Store) roomForSnapshot() error {
	need := int64(groupBytes) + max(s.opt.Ballast, 0)
	for _, name := range []string{databaseFile, databaseFile + "-wal"} {
		if st, err := os.Stat(filepath.Join(s.dir, name)); err == nil {
			need += st.Size()
		}
	}
	var st unix.Statfs_t
	if err := unix.Statfs(s.dir, &st); err != nil {
		return err
	}
	if free := int64(st.Bavail) * st.Bsize; free < need {
		return fmt.Errorf("%w: the copy of the database needs %d MiB, there are %d", queue.ErrFull, need>>20, free>>20)
	}
	return nil
}

// copyDatabase writes the database as of now into the snapshot's folder. The copy is made in one reading transaction, so
// it is one commit of the writer; it has no log and no free pages.
func (s *Store) copyDatabase(ctx context.Context) error {
	if err := s.removeSnapshot(); err != nil {
		return err
	}
	if err := os.Mkdir(s.snapshotPath(""), 0o700); err != nil {
		return err
	}
	c, err := s.connect(false)
	if err != nil {
		return err
	}
	return errors.Join(c.execUntil(ctx, `VACUUM INTO ?`, s.snapshotPath(databaseFile)), c.close())
}

func (s *Store) snapshotPath(name string) string { return filepath.Join(s.dir, snapshotFolder, name) }

func (s *Store) removeSnapshot() error { return os.RemoveAll(s.snapshotPath("")) }

// open reads what the copy holds.
func (n *Snapshot) open(ctx context.Context) (err error) {
	st, err := os.Stat(n.s.snapshotPath(databaseFile))
	if err != nil {
		return err
	}
	n.size = st.Size()
	if n.c, err = openReading(n.s.snapshotPath(databaseFile)); err != nil {
		return err
	}
	n.Counts, err = countAll(ctx, n.c)
	return err
}

// Bytes is the sum of the sizes of all files.
func (n *Snapshot) Bytes() int64 { return n.size + n.Counts.FileBytes }

// Files yields every file: the database, then the documents that have files of their own.
func (n *Snapshot) Files() iter.Seq2[SnapshotFile, error] {
	return func(yield func(SnapshotFile, error) bool) {
		if !yield(SnapshotFile{Name: databaseFile, Size: n.size, Path: n.s.snapshotPath(databaseFile)}, nil) {
			return
		}
		eachBlob(n.c, func(name string, size int64) bool {
			return yield(SnapshotFile{Name: path.Join(blobsFolder, filepath.ToSlash(name)), Size: size, Path: n.s.blobPath(name)}, nil)
		}, func(err error) { yield(SnapshotFile{}, err) })
	}
}

// blobBatch is how many names are read at a time.
const blobBatch = 500

// eachBlob gives the names and sizes of the files that documents are in until each says false. It goes by the documents'
// rows, once over them all: files have no index.
func eachBlob(c *conn, each func(name string, size int64) bool, failed func(error)) {
	type blob struct {
		id, size int64
		name     string
	}
	for last := int64(0); ; {
		var batch []blob
		err := c.query(func(v []driver.Value) error {
			batch = append(batch, blob{asInt(v[0]), asInt(v[1]), asText(v[2])})
			return nil
		}, `SELECT id, size, file FROM doc WHERE id>? AND file IS NOT NULL ORDER BY id LIMIT ?`, last, int64(blobBatch))
		if err != nil {
			failed(fmt.Errorf("read the names of large documents: %w", err))
			return
		}
		for _, b := range batch {
			if !each(b.name, b.size) {
				return
			}
			last = b.id
		}
		if len(batch) < blobBatch {
			return
		}
	}
}

// Close gives the room back: the copy goes, and so do the files that documents have given up meanwhile. Closing again
// gives the same answer.
func (n *Snapshot) Close() error {
	n.once.Do(func() {
		if n.c != nil {
			n.err = n.c.close()
		}
		n.err = errors.Join(n.err, n.s.removeSnapshot())
		n.s.removeBlobs(n.s.spared.release())
	})
	return n.err
}

// spared are the files that a snapshot may name, though no row of the database does any more.
type spared struct {
	mu    sync.Mutex
	held  bool
	names []string
}

// hold begins to keep files; false: somebody does already.
func (k *spared) hold() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.held
	k.held = true
	return !was
}

// release ends that and gives what is to be removed now.
func (k *spared) release() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	names := k.names
	k.held, k.names = false, nil
	return names
}

// keep takes the files if a snapshot wants them. A snapshot that begins just after the answer does not name them: the
// transaction that gave them up is committed.
func (k *spared) keep(names []string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held {
		k.names = append(k.names, names...)
	}
	return k.held
}
