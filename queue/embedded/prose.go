package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// proseFormat adds the full-text index.
//
// words holds the words of each document and where they stand, not the text, under the row of its document. unread has
// the documents whose words are not in the index, or are in it as an earlier revision had them: Search passes them over.
// A transaction that changes a document's text makes it unread, one that removes a document takes its words away; so no
// search finds by what is not there any more. The words themselves are written later, by the indexer: they cost more
// than all the rest of a submission. deletemerge has what deleted documents left in the index's pages written over
// earlier than SQLite's default would.
const proseFormat = `
CREATE VIRTUAL TABLE words USING fts5(subject, parties, body, content='', contentless_delete=1,
	tokenize='unicode61 remove_diacritics 2');
INSERT INTO words(words, rank) VALUES('deletemerge', 5);
CREATE TABLE unread(doc INTEGER PRIMARY KEY);
INSERT INTO unread SELECT id FROM doc WHERE size > 0;
`

// The indexer takes so many documents into one transaction, and ends it above so many bytes of text: some 30 ms, for
// which others wait. Smaller ones leave more segments to merge.
const (
	indexItems = 128
	indexBytes = 256 << 10
)

const (
	// indexRest is how long a new document is left alone: what a chain makes of it within that time is indexed once.
	indexRest = time.Second
	// indexRetry is the pause after a failure.
	indexRetry = time.Minute
	// While others write, the indexer pauses for lazy times as long as it worked; the longer it has been behind, the less,
	// until after indexLag it takes half of the writer's time.
	indexLazy = 20
	indexLag  = 5 * time.Minute
	// searchPatience is how long Search waits for documents that are unread.
	searchPatience = 2 * time.Second
)

// unread says that a document's words must be indexed anew.
func (t *tx) unread(doc int64) error {
	if t.s.opt.wordless {
		return nil
	}
	t.news = true
	_, err := t.exec(`INSERT OR IGNORE INTO unread(doc) VALUES(?)`, doc)
	return err
}

// forget takes a document's words out of the index.
func (t *tx) forget(doc int64) error {
	if _, err := t.exec(`DELETE FROM unread WHERE doc=?`, doc); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM words WHERE rowid=?`, doc)
	return err
}

// tellIndexer never waits: one message stands for all.
func (s *Store) tellIndexer() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// urge asks the indexer to read what is unread now.
type urge struct {
	until time.Time
	done  chan error // nil, queue.ErrBehind when the time was over, or what failed
}

// catchUp returns when every document that is there now can be found by its text. Error: queue.ErrBehind after
// searchPatience.
func (s *Store) catchUp(ctx context.Context) error {
	behind := false
	err := s.read(ctx, func(c *conn) (err error) {
		behind, err = c.one(nil, `SELECT 1 FROM unread LIMIT 1`)
		return err
	})
	if err != nil || !behind {
		return err
	}
	u := &urge{until: time.Now().Add(searchPatience), done: make(chan error, 1)}
	late := time.NewTimer(searchPatience)
	defer late.Stop()
	select {
	case s.urge <- u:
	case <-late.C:
		return queue.ErrBehind
	case <-s.closing:
		return queue.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-u.done:
		return err
	case <-late.C: // others have the writer
		return queue.ErrBehind
	case <-ctx.Done():
		return ctx.Err()
	}
}

// indexer writes the words of unread documents until the store closes.
func (s *Store) indexer() {
	x := &indexer{s: s}
	x.rest(indexRest) // for what an earlier process left
	for {
		select {
		case <-s.closing:
			x.rest(0)
			return
		case u := <-s.urge:
			u.done <- x.hurry(u.until)
		case <-s.news:
			x.note()
		case <-x.due():
			x.turn()
		}
	}
}

// indexer is one goroutine's own.
type indexer struct {
	s      *Store
	timer  *time.Timer // nil: nothing is to be done
	after  int64       // the document that this pass has read last
	behind time.Time   // since when there is something unread; zero: there is nothing
	groups int64       // of the writer, at the end of the last turn
}

func (x *indexer) due() <-chan time.Time {
	if x.timer == nil {
		return nil
	}
	return x.timer.C
}

// rest sets when the next turn is; 0 = none.
func (x *indexer) rest(d time.Duration) {
	if x.timer != nil {
		x.timer.Stop()
		x.timer = nil
	}
	if d > 0 {
		x.timer = time.NewTimer(d)
	}
}

// note takes the news that something is unread.
func (x *indexer) note() {
	if x.behind.IsZero() {
		x.behind = time.Now()
	}
	if x.timer == nil {
		x.rest(indexRest)
	}
}

// turn reads a few documents in the writer's idle time.
func (x *indexer) turn() {
	began := time.Now()
	last, err := x.s.indexSome(x.after)
	if err != nil {
		x.fail(err)
		return
	}
	if x.after = last; last == 0 {
		x.behind = time.Time{}
		x.rest(0)
		return
	}
	if x.behind.IsZero() {
		x.behind = began
	}
	x.rest(max(x.pause(time.Since(began)), 1))
}

// pause is how long others have the writer after a turn that took so long: nothing when nobody else wrote meanwhile.
func (x *indexer) pause(took time.Duration) time.Duration {
	now := x.s.groups.Load()
	alone := now-x.groups <= 1 // the turn's own
	if x.groups = now; alone {
		return 0
	}
	late := min(time.Since(x.behind), indexLag)
	return max(took, time.Duration(float64(took)*indexLazy*(1-float64(late)/float64(indexLag))))
}

// hurry reads all that is unread, or as much as there is time for.
func (x *indexer) hurry(until time.Time) error {
	for after := int64(0); ; {
		last, err := x.s.indexSome(after)
		switch {
		case err != nil:
			x.fail(err)
			return err
		case last == 0:
			x.after, x.behind = 0, time.Time{}
			x.rest(0)
			return nil
		case time.Now().After(until):
			x.note()
			return queue.ErrBehind
		}
		after = last
	}
}

func (x *indexer) fail(err error) {
	x.after = 0
	x.rest(indexRetry)
	if !x.s.closed() {
		x.s.log.Warn("text index not brought up to date", "error", err)
	}
}

// sheet is one document on its way into the index.
type sheet struct {
	doc      int64
	id       vcon.ID
	gen, rev int64
	file     string
	prose    vcon.Prose
}

// indexSome writes the words of the next unread documents behind a row and gives the last row it looked at; 0 when there
// was none. A document that changes meanwhile stays unread.
func (s *Store) indexSome(after int64) (last int64, err error) {
	sheets, last, err := s.unreadAfter(after)
	if err != nil {
		return 0, err
	}
	size := 0
	for i := range sheets {
		sh := &sheets[i]
		if err := s.readSheet(sh); err != nil {
			return 0, err
		}
		if size += sh.size(); size > indexBytes {
			sheets, last = sheets[:i+1], sh.doc
			break
		}
	}
	if len(sheets) == 0 {
		return last, nil
	}
	return last, s.send(context.Background(), &op{size: 2*size + 1<<10, grows: true, async: true, run: func(t *tx) error {
		for i := range sheets {
			if err := t.indexSheet(&sheets[i]); err != nil {
				return err
			}
		}
		return nil
	}})
}

func (sh *sheet) size() int {
	return len(sh.prose.Subject) + len(sh.prose.Parties) + len(sh.prose.Body)
}

// unreadAfter reads the next unread documents in order of their rows.
func (s *Store) unreadAfter(after int64) (sheets []sheet, last int64, err error) {
	err = s.read(context.Background(), func(c *conn) error {
		return c.query(func(v []driver.Value) error {
			sh := sheet{doc: asInt(v[0]), gen: asInt(v[2]), rev: asInt(v[3]), file: asText(v[4])}
			copy(sh.id[:], asBlob(v[1]))
			sheets, last = append(sheets, sh), sh.doc
			return nil
		}, `SELECT u.doc, d.uuid, d.gen, d.rev, d.file FROM unread u JOIN doc d ON d.id=u.doc WHERE u.doc>? ORDER BY u.doc LIMIT ?`,
			after, int64(indexItems))
	})
	return sheets, last, err
}

// readSheet finds out what a document says. One that is not there any more was replaced or deleted meanwhile; a text that
// is no document is passed over, as nobody could read what is found.
func (s *Store) readSheet(sh *sheet) error {
	text, err := s.sheetText(sh)
	if err != nil || len(text) == 0 {
		return err
	}
	doc, err := parse(text)
	if err != nil {
		s.log.Error("stored document cannot be indexed", "vcon", sh.id, "error", err)
		return nil
	}
	sh.prose = doc.Prose(queue.ProseLimit)
	return nil
}

func (s *Store) sheetText(sh *sheet) (text []byte, err error) {
	if sh.file != "" {
		text, err = os.ReadFile(s.blobPath(sh.file))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return text, err
	}
	err = s.read(context.Background(), func(c *conn) error {
		_, err := c.one(func(v []driver.Value) { text = asBlob(v[0]) }, `SELECT text FROM body WHERE id=?`, sh.doc)
		return err
	})
	return text, err
}

// indexSheet puts the words of a document in the place of its earlier ones, if it is still the one that was read.
func (t *tx) indexSheet(sh *sheet) error {
	r, err := t.exec(`DELETE FROM unread WHERE doc=?1 AND EXISTS(SELECT 1 FROM doc WHERE id=?1 AND uuid=?2 AND gen=?3 AND rev=?4)`,
		sh.doc, sh.id[:], sh.gen, sh.rev)
	if err != nil || r.rows == 0 {
		return err
	}
	if _, err := t.exec(`DELETE FROM words WHERE rowid=?`, sh.doc); err != nil {
		return err
	}
	if sh.size() == 0 {
		return nil
	}
	_, err = t.exec(`INSERT INTO words(rowid, subject, parties, body) VALUES(?,?,?,?)`,
		sh.doc, sh.prose.Subject, sh.prose.Parties, sh.prose.Body)
	return err
}
