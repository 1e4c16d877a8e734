package embedded

import (
	"database/sql/driver"
	"fmt"

	"github.com/vconduit/vconduit/queue"
)

// formats are the steps from an empty database to the present format: user_version counts those that were taken. A step
// that was released never changes; what comes later is a step of its own.
var formats = []string{schema, proseFormat, usageFormat}

// pageSize is SQLite's page; the default 4 kB puts most documents on overflow pages.
const pageSize = 8192

// Times are Unix milliseconds; uuids are 16 bytes; 0 and NULL both mean "none" where a column may be absent.
//
// doc is the small part of a document, rewritten often; body its text, or file the name of a blob that has it. A row
// with size 0 is an index entry that outlives its document. pend counts entries that hold the document, dead its dead
// letters; while either is above 0 it does not expire. src and srev are the hash and revision of the last submission
// (src NULL: still the stored text), again whether that one replaced a document.
//
// entry is one id on one list, in one of the states of entry.go: its key says list, state and place, so that the head
// of a list is the first row of a range, and no index has to follow. run, tries and the rest are the job: what we know
// about working this entry, valid for generation gen of the document.
//
// party has one row per term, written as "tel:+1555", "mailto:a@b.c", "name:Ann", the value without a scheme of its
// own: either spelling finds either.
const schema = `
CREATE TABLE doc(id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE, gen INT NOT NULL, rev INT NOT NULL,
	size INT NOT NULL, sha BLOB, file TEXT, created INT NOT NULL, at INT NOT NULL, expires INT,
	pend INT NOT NULL DEFAULT 0, dead INT NOT NULL DEFAULT 0, hops INT NOT NULL DEFAULT 0, life INT NOT NULL DEFAULT 0,
	wish INT, kept INT NOT NULL DEFAULT 0, src BLOB, srev INT NOT NULL DEFAULT 1,
	again INT NOT NULL DEFAULT 0, lists TEXT, terms TEXT);
CREATE INDEX doc_created ON doc(created, uuid);
CREATE INDEX doc_expires ON doc(expires) WHERE expires IS NOT NULL;
CREATE TABLE body(id INTEGER PRIMARY KEY, text BLOB NOT NULL);
CREATE TABLE party(value TEXT NOT NULL, doc INT NOT NULL, PRIMARY KEY(value, doc)) WITHOUT ROWID;
CREATE TABLE tomb(uuid BLOB PRIMARY KEY, until INT NOT NULL, gen INT NOT NULL, rev INT NOT NULL, pend INT NOT NULL,
	job INT NOT NULL) WITHOUT ROWID;
CREATE INDEX tomb_until ON tomb(until);
CREATE TABLE list(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, ready INT NOT NULL, delayed INT NOT NULL,
	leased INT NOT NULL, dead INT NOT NULL, head INT NOT NULL, tail INT NOT NULL);
CREATE TABLE entry(list INT NOT NULL, state INT NOT NULL, seq INT NOT NULL, uuid BLOB NOT NULL, work INT NOT NULL,
	gen INT NOT NULL, at INT NOT NULL, due INT, run BLOB, tries INT, crashes INT, solo INT, stage INT, job TEXT,
	ctx BLOB, err TEXT, PRIMARY KEY(list, state, seq)) WITHOUT ROWID;
CREATE INDEX entry_due ON entry(due) WHERE state = 1;
CREATE INDEX entry_save ON entry(uuid) WHERE stage = 3;
CREATE TABLE journal(uuid BLOB NOT NULL, run BLOB NOT NULL, n INT NOT NULL, progress BLOB NOT NULL, PRIMARY KEY(uuid, run, n)) WITHOUT ROWID;
CREATE TABLE memo(uuid BLOB NOT NULL, run BLOB NOT NULL, h BLOB NOT NULL, answer BLOB NOT NULL, PRIMARY KEY(uuid, run, h)) WITHOUT ROWID;
CREATE TABLE dead(list INT NOT NULL, seq INT NOT NULL, uuid BLOB NOT NULL, at INT NOT NULL, count INT NOT NULL,
	reason TEXT, link TEXT, storage TEXT, detail TEXT, attempt INT, gen INT NOT NULL, run BLOB, stage INT, job TEXT, ctx BLOB,
	PRIMARY KEY(list, seq)) WITHOUT ROWID;
CREATE UNIQUE INDEX dead_uuid ON dead(uuid, list);
CREATE INDEX dead_at ON dead(at);
CREATE TABLE idem(h BLOB PRIMARY KEY, sha BLOB NOT NULL, gen INT NOT NULL, rev INT NOT NULL, replaced INT NOT NULL, until INT NOT NULL) WITHOUT ROWID;
CREATE INDEX idem_until ON idem(until);
CREATE TABLE kv(link TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, until INT, PRIMARY KEY(link, key)) WITHOUT ROWID;
CREATE INDEX kv_until ON kv(until) WHERE until IS NOT NULL;
`

// migrate takes the steps that a database lacks, each whole or not at all, and refuses a database of a newer format.
func migrate(c *conn) error {
	taken, err := formatOf(c)
	if err != nil {
		return err
	}
	if taken > len(formats) {
		return newerFormat(taken)
	}
	for i, step := range formats[taken:] {
		if _, err := c.exec(fmt.Sprintf("BEGIN; %s PRAGMA user_version=%d; COMMIT", step, taken+i+1)); err != nil {
			return fmt.Errorf("bring the store from format %d to %d: %w", taken+i, taken+i+1, err)
		}
	}
	return nil
}

// formatOf is how many steps a database has taken.
func formatOf(c *conn) (n int, err error) {
	_, err = c.one(func(row []driver.Value) { n = int(asInt(row[0])) }, `PRAGMA user_version`)
	return n, err
}

func newerFormat(n int) error {
	return fmt.Errorf("%w: its format is %d, this program knows up to %d", queue.ErrFormat, n, len(formats))
}
