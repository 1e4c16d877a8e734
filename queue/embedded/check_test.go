package embedded

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Check compares everything that the store keeps twice: figures with what they count, names with files, rows with the
// rows that they belong to.
func (b *subject) Check(t testing.TB) {
	t.Helper()
	if b.closed() {
		return
	}
	checkStore(t, b.Store)
}

// contradictions are queries that a sound store answers with no row. The first column says what is wrong.
var contradictions = []string{
	`SELECT 'list '||name||' counts '||ready||'/'||delayed||'/'||leased||'/'||dead FROM list l WHERE
		ready <> (SELECT count(*) FROM entry WHERE list=l.id AND state=0) OR
		delayed <> (SELECT count(*) FROM entry WHERE list=l.id AND state IN (1,3,5)) OR
		leased <> (SELECT count(*) FROM entry WHERE list=l.id AND state IN (2,4)) OR
		dead <> (SELECT count(*) FROM dead WHERE list=l.id)`,
	`SELECT 'entry of no list' FROM entry WHERE list NOT IN (SELECT id FROM list)`,
	`SELECT 'dead letter of no list' FROM dead WHERE list NOT IN (SELECT id FROM list)`,
	`SELECT 'two leases of '||hex(uuid) FROM entry WHERE state=2 GROUP BY uuid HAVING count(*) > 1`,
	`SELECT 'document '||hex(uuid)||' says it is held '||pend||' times, not '||coalesce(n, 0) FROM doc
		LEFT JOIN (SELECT uuid, count(*) AS n FROM entry WHERE work=1 GROUP BY uuid) USING(uuid) WHERE pend <> coalesce(n, 0)`,
	`SELECT 'document '||hex(uuid)||' says it is dead-lettered '||dead||' times, not '||coalesce(n, 0) FROM doc
		LEFT JOIN (SELECT uuid, count(*) AS n FROM dead GROUP BY uuid) USING(uuid) WHERE doc.dead <> coalesce(n, 0)`,
	`SELECT 'held document '||hex(uuid)||' ends' FROM doc WHERE expires IS NOT NULL AND (pend > 0 OR dead > 0)`,
	`SELECT 'document '||hex(uuid)||' in two places or none' FROM doc d
		WHERE size > 0 AND (file IS NOT NULL) + EXISTS(SELECT 1 FROM body WHERE id=d.id) <> 1`,
	`SELECT 'text of '||hex(uuid)||' has another size' FROM doc d JOIN body b ON b.id=d.id WHERE length(b.text) <> d.size`,
	`SELECT 'text of no document' FROM body WHERE id NOT IN (SELECT id FROM doc)`,
	`SELECT 'term of no document: '||value FROM party WHERE doc NOT IN (SELECT id FROM doc)`,
	`SELECT 'words of no document: '||id FROM words_docsize WHERE id NOT IN (SELECT id FROM doc)`,
	`SELECT 'unread, and no document: '||doc FROM unread WHERE doc NOT IN (SELECT id FROM doc)`,
	`SELECT 'tombstone over '||hex(uuid) FROM tomb WHERE uuid IN (SELECT uuid FROM doc)`,
	`SELECT 'journal of no run of '||hex(uuid) FROM journal WHERE (uuid, run) NOT IN (SELECT uuid, run FROM entry WHERE run IS NOT NULL)`,
	`SELECT 'memo of no run of '||hex(uuid) FROM memo WHERE (uuid, run) NOT IN
		(SELECT uuid, run FROM entry WHERE run IS NOT NULL UNION SELECT uuid, run FROM dead WHERE run IS NOT NULL)`,
	// A connection that reads knows the text index as of its last search, and takes what others wrote since for damage.
	`SELECT 'a word that nobody says' FROM words WHERE words MATCH 'xxxxxxxx'`,
	`SELECT 'integrity: '||integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'`,
}

func checkStore(t testing.TB, s *Store) {
	t.Helper()
	named := map[string]bool{}
	err := s.read(context.Background(), func(c *conn) error {
		for _, query := range contradictions {
			if err := c.query(func(row []driver.Value) error {
				t.Errorf("store contradicts itself: %s", asText(row[0]))
				return nil
			}, query); err != nil {
				return fmt.Errorf("%s: %w", query, err)
			}
		}
		return c.query(func(row []driver.Value) error {
			named[asText(row[0])] = true
			return nil
		}, `SELECT file FROM doc WHERE file IS NOT NULL`)
	})
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	checkFiles(t, s, named)
	checkDepths(t, s)
}

// checkFiles compares the folder of large documents with the names in the table.
func checkFiles(t testing.TB, s *Store, named map[string]bool) {
	t.Helper()
	root := s.blobPath("")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, root+string(filepath.Separator))
		if !named[name] {
			t.Errorf("file of no document: %s", name)
		}
		delete(named, name)
		return nil
	})
	if err != nil {
		t.Fatalf("check files: %v", err)
	}
	for name := range named {
		t.Errorf("document without its file %s", name)
	}
}

// checkDepths compares the figures in memory with the rows.
func checkDepths(t testing.TB, s *Store) {
	t.Helper()
	err := s.read(context.Background(), func(c *conn) error {
		return c.query(func(row []driver.Value) error {
			name := asText(row[0])
			d, err := s.Depth(context.Background(), name)
			if err != nil {
				return err
			}
			if stored := fmt.Sprint(asInt(row[1]), asInt(row[2]), asInt(row[3]), asInt(row[4])); stored != fmt.Sprint(d.Ready, d.Delayed, d.Leased, d.Dead) {
				t.Errorf("depth of %s = %+v, its row says %s", name, d, stored)
			}
			return nil
		}, `SELECT name, ready, delayed, leased, dead FROM list`)
	})
	if err != nil {
		t.Fatalf("check depths: %v", err)
	}
}
