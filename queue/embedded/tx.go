package embedded

import (
	"database/sql/driver"
	"slices"
)

// tx is one transaction of the writer. What it changes in memory it can undo; what must wait for the commit is in after.
type tx struct {
	s       *Store
	c       *conn
	now     int64 // Unix ms, the same for all operations of the group
	touched int   // writes and undoable changes so far
	undo    []func()
	after   []func()
	unlink  []string
	dirty   []*list
	news    bool  // a document waits for the text index
	alarm   int64 // the earliest time that this transaction set for something to be looked at, Unix ms; 0 = none
}

func (s *Store) begin() *tx { return &tx{s: s, c: s.writer, now: s.now()} }

// exec is a statement that writes.
func (t *tx) exec(query string, args ...any) (result, error) {
	t.touched++
	return t.c.exec(query, args...)
}

// one and each are statements that read.
func (t *tx) one(read func(row []driver.Value), query string, args ...any) (bool, error) {
	return t.c.one(read, query, args...)
}

func (t *tx) each(read func(row []driver.Value) error, query string, args ...any) error {
	return t.c.query(read, query, args...)
}

// undoing registers how to take a change of memory back.
func (t *tx) undoing(f func()) {
	t.touched++
	t.undo = append(t.undo, f)
}

// onCommit registers what is to be done once the transaction is durable.
func (t *tx) onCommit(f func()) { t.after = append(t.after, f) }

// commit makes everything durable, then visible in memory.
func (t *tx) commit() error {
	for _, l := range t.dirty {
		if err := l.store(t); err != nil {
			return err
		}
	}
	if err := t.s.opt.Step("commit"); err != nil {
		return err
	}
	if _, err := t.c.exec(`COMMIT`); err != nil {
		return err
	}
	if err := t.s.opt.Step("committed"); err != nil {
		t.s.log.Error("step after commit failed", "error", err)
	}
	t.publish()
	return nil
}

func (t *tx) publish() {
	t.s.mu.Lock()
	for _, l := range t.dirty {
		l.pub, l.dirty = l.cur, false
	}
	t.s.mu.Unlock()
	for _, f := range t.after {
		f()
	}
	if t.news {
		t.s.tellIndexer()
	}
	t.s.dropBlobs(t.unlink)
	t.tell()
}

// rollback forgets everything, in memory too. The statement may fail when SQLite has rolled back on its own.
func (t *tx) rollback() {
	_, _ = t.c.exec(`ROLLBACK`)
	for _, f := range slices.Backward(t.undo) {
		f()
	}
	for _, l := range t.dirty {
		l.cur, l.dirty = l.pub, false
	}
}
