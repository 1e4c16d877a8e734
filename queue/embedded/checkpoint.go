package embedded

import (
	"os"
	"path/filepath"
	"sync/atomic"

	"modernc.org/sqlite"
)

// When pages are moved from the log to the database: after this much was written since the last time, and, when the log
// has grown beyond its usual size because a reader was in the way, also cut back.
const (
	passiveAt  = 8 << 20
	truncateAt = 256 << 20
)

// checkpointer moves pages from the log to the database on its own connection, so that no commit waits for it.
type checkpointer struct {
	s     *Store
	c     *conn
	pages atomic.Int64 // written since the last checkpoint
	due   chan struct{}
}

func newCheckpointer(s *Store) (*checkpointer, error) {
	c, err := s.connect(false)
	if err != nil {
		return nil, err
	}
	return &checkpointer{s: s, c: c, due: make(chan struct{}, 1)}, nil
}

// wal counts the pages that the writer has put in the log since the last call.
func (s *Store) wal() int64 {
	st, ok := s.writer.raw.(sqlite.DBStatus)
	if !ok {
		return 0
	}
	pages, _, err := st.Status(sqlite.DBStatusCacheWrite, true)
	if err != nil {
		return 0
	}
	return int64(pages)
}

// note counts pages, and calls for a checkpoint when there are enough.
func (k *checkpointer) note(pages int64) {
	if k.pages.Add(pages)*pageSize < passiveAt {
		return
	}
	select {
	case k.due <- struct{}{}:
	default:
	}
}

// run is the checkpointer's life.
func (k *checkpointer) run() {
	for {
		select {
		case <-k.s.closing:
			return
		case <-k.due:
			k.checkpoint()
		}
	}
}

// checkpoint moves what it can. What it cannot, because somebody still reads it, waits for the next time.
func (k *checkpointer) checkpoint() {
	k.pages.Store(0)
	if err := k.s.opt.Step("checkpoint"); err != nil {
		return
	}
	mode := "PASSIVE"
	if st, err := os.Stat(filepath.Join(k.s.dir, databaseFile+"-wal")); err == nil && st.Size() > truncateAt {
		mode = "TRUNCATE"
	}
	if _, err := k.c.exec("PRAGMA wal_checkpoint(" + mode + ")"); err != nil {
		_ = k.s.outward(err) // a failed fsync ends the process; a full disk is met by the writer too
		k.s.log.Warn("checkpoint", "error", err)
	}
}
