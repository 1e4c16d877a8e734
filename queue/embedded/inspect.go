package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vconduit/vconduit/queue"
)

// Report is what Inspect sees of a folder.
type Report struct {
	Counts
	Holder        string        // pid of the process that has it open; "" = nobody
	DatabaseBytes int64         // of the file
	LogBytes      int64         // of the write-ahead log
	BallastBytes  int64         // 0: given up, or never made
	FreeBytes     int64         // of the disk, for this user
	Lists         []ListReport  // by name
	Forever       int64         // finished documents that nothing will ever remove: no storage that can give them back has them
	ForeverBytes  int64         // of their texts
	ForeverNew    int64         // those of them that came within the last 24 h
	Newest        time.Time     // the last submission; zero = none
	Oldest        time.Duration // how long the first ready entry of all lists has waited; 0 = none waits
}

// ListReport is one list with what it holds.
type ListReport struct {
	Name string
	queue.Depth
}

// ErrNoStore says that a folder has no database.
var ErrNoStore = errors.New("embedded: there is no store in this folder")

// Inspect looks at the store in dir beside the process that has it open, and changes nothing. It reads every document's
// row but no text; ctx bounds that. Errors: ErrNoStore, queue.ErrFormat, errors of the file system and of SQLite.
func Inspect(ctx context.Context, dir string) (r Report, err error) {
	c, err := openFolder(dir)
	if err != nil {
		return r, fmt.Errorf("inspect store %s: %w", dir, err)
	}
	err = errors.Join(r.sizes(dir), r.count(ctx, c), c.close())
	if err != nil {
		err = fmt.Errorf("inspect store %s: %w", dir, err)
	}
	return r, err
}

// Verify reads the whole database of dir and looks for damage: its pages, and that every file which a document names is
// there with its size. It gives what it found, one finding an entry, at most about 100. Errors: as Inspect; ctx.Err().
func Verify(ctx context.Context, dir string) (damage []string, err error) {
	c, err := openFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("verify store %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, c.close()) }()
	err = c.queryUntil(ctx, func(v []driver.Value) error {
		if text := asText(v[0]); text != "ok" {
			damage = append(damage, text)
		}
		return nil
	}, `PRAGMA quick_check(100)`)
	if err != nil {
		return damage, fmt.Errorf("verify store %s: %w", dir, err)
	}
	eachBlob(c, func(name string, size int64) bool {
		text, e := blobDamage(c, dir, name, size)
		if text != "" {
			damage = append(damage, text)
		}
		err = errors.Join(e, ctx.Err())
		return len(damage) < 100 && err == nil
	}, func(e error) { err = e })
	return damage, err
}

// blobDamage says what is wrong with a large document's file; "" = nothing. A file that is not there is looked up again: it
// goes after the transaction that gives it up.
func blobDamage(c *conn, dir, name string, size int64) (string, error) {
	st, err := os.Stat(filepath.Join(dir, blobsFolder, name))
	switch {
	case errors.Is(err, os.ErrNotExist):
		if still, e := named(c, name); e != nil || !still {
			return "", e
		}
		return "large document: " + err.Error(), nil
	case err != nil:
		return "large document: " + err.Error(), nil
	case st.Size() != size:
		return fmt.Sprintf("large document %s has %d bytes, not %d", name, st.Size(), size), nil
	}
	return "", nil
}

// openFolder opens the database of a folder to read; it is not made if it is not there.
func openFolder(dir string) (*conn, error) {
	path := filepath.Join(dir, databaseFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoStore
	} else if err != nil {
		return nil, err
	}
	return openReading(path)
}

// openReading opens a database that this program understands, to read.
func openReading(path string) (*conn, error) {
	c, err := openConn(dsn(path) + "&mode=rw")
	if err != nil {
		return nil, err
	}
	if _, err = c.exec("PRAGMA query_only=1"); err == nil {
		var format int
		if format, err = formatOf(c); err == nil && format > len(formats) {
			err = newerFormat(format)
		}
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// countAll counts what a database holds.
func countAll(ctx context.Context, c *conn) (n Counts, err error) {
	if n.Format, err = formatOf(c); err != nil {
		return n, err
	}
	for _, q := range []struct {
		into []*int64
		text string
	}{
		{[]*int64{&n.Documents, &n.Bytes, &n.Files, &n.FileBytes}, `SELECT count(*), coalesce(sum(size), 0), count(file),
			coalesce(sum(CASE WHEN file IS NOT NULL THEN size END), 0) FROM doc WHERE size>0`},
		{[]*int64{&n.Entries}, `SELECT count(*) FROM entry`},
		{[]*int64{&n.Dead}, `SELECT count(*) FROM dead`},
		{[]*int64{&n.Values}, `SELECT count(*) FROM kv`},
	} {
		if err := c.integers(ctx, q.into, q.text); err != nil {
			return n, err
		}
	}
	return n, nil
}

// integers reads one row of integers.
func (c *conn) integers(ctx context.Context, into []*int64, query string, args ...any) error {
	return c.queryUntil(ctx, func(v []driver.Value) error {
		for i := range into {
			*into[i] = asInt(v[i])
		}
		return nil
	}, query, args...)
}

func (r *Report) count(ctx context.Context, c *conn) (err error) {
	if r.Counts, err = countAll(ctx, c); err != nil {
		return err
	}
	now := time.Now()
	var newest, oldest int64
	for _, q := range []struct {
		into []*int64
		args []any
		text string
	}{
		{[]*int64{&r.Forever, &r.ForeverBytes, &r.ForeverNew}, []any{now.Add(-24 * time.Hour).UnixMilli()}, `SELECT count(*),
			coalesce(sum(size), 0), count(CASE WHEN at>?1 THEN 1 END) FROM doc WHERE size>0 AND expires IS NULL AND pend=0 AND dead=0`},
		{[]*int64{&newest}, nil, `SELECT coalesce(max(at), 0) FROM doc`},
		{[]*int64{&oldest}, nil, `SELECT coalesce(min(at), 0) FROM entry WHERE state=0 AND work=1`},
	} {
		if err := c.integers(ctx, q.into, q.text, q.args...); err != nil {
			return err
		}
	}
	if newest > 0 {
		r.Newest = time.UnixMilli(newest)
	}
	if oldest > 0 {
		r.Oldest = max(now.Sub(time.UnixMilli(oldest)), 0)
	}
	return c.queryUntil(ctx, func(v []driver.Value) error {
		r.Lists = append(r.Lists, ListReport{asText(v[0]),
			queue.Depth{Ready: asInt(v[1]), Delayed: asInt(v[2]), Leased: asInt(v[3]), Dead: asInt(v[4])}})
		return nil
	}, `SELECT name, ready, delayed, leased, dead FROM list ORDER BY name`)
}

// sizes looks at the folder.
func (r *Report) sizes(dir string) error {
	for name, into := range map[string]*int64{databaseFile: &r.DatabaseBytes, databaseFile + "-wal": &r.LogBytes, "ballast": &r.BallastBytes} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err == nil {
			*into = st.Size()
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return err
	}
	r.FreeBytes = int64(st.Bavail) * st.Bsize
	holder, err := holderOf(dir)
	r.Holder = holder
	return err
}
