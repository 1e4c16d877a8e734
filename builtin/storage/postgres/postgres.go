// Package postgres is the storage "postgres": one row for each vCon, in the table that the Python server and its users
// know. The document stands in it as JSONB for queries, with its uuid, version, subject and times beside it. Either
// server reads and overwrites what the other wrote.
//
// JSONB keeps no bytes: it sorts members, drops duplicates, spells numbers anew, and refuses \u0000 and lone surrogates.
// So three columns are added to the table (table.go) where it may be changed: the document as it is, a hash of the JSONB
// that belongs to it, and the revision. The Python server names the columns that it uses, and does not see them. What
// it, or anybody, writes into vcon_json makes the kept bytes count no more.
//
// Guarantees: Save returns when the row is committed. With the added columns, Get gives back the bytes; a revision is not
// replaced by an older one that comes a moment late; and where JSONB refuses a document, the bytes are kept, and the JSONB
// has U+FFFD in the place of what it refuses, or is NULL. Without them such a document is a permanent error, never
// changed. Errors name the server and the table, and hold neither passwords nor what a document says.
// Left to others: retries and time limits (runtime/chain). Source: the Python server's storage.postgres.
package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// Config are the options.
type Config struct {
	Host     string // host: name, address, or folder of a socket; several with commas between; default localhost
	Port     int64  // port: default 5432
	User     string // user: default postgres
	Password string // password: default PGPASSWORD, else what ~/.pgpass has
	Database string // database: default vcon_db
	Table    string // table_name: TABLE, found on the search path of the user, or SCHEMA.TABLE; default vcons

	SSLMode     string // sslmode: as libpq has it; default verify-full with SSLRootCert, else PGSSLMODE, else prefer
	SSLRootCert string // sslrootcert: file with the certificates that the server's may be signed with; default the system's

	PoolSize       int64         // pool_size: most connections of one process; default 10
	ConnectTimeout time.Duration // connect_timeout: default 5 s
	KeepBytes      string        // keep_bytes: auto (where the table can have our columns; default), true (or Open fails), false

	table pgx.Identifier // what Table says
}

// keepAuto, keepAlways and keepNever are the values of keep_bytes.
const (
	keepAuto   = "auto"
	keepAlways = "true"
	keepNever  = "false"
)

func readConfig(raw json.RawMessage) (_ Config, unknown []string, _ error) {
	o := chain.ReadOptions(raw)
	c := Config{
		Host:           o.Text("host", "localhost"),
		Port:           o.Int("port", 5432, 1, math.MaxUint16),
		User:           o.Text("user", "postgres"),
		Password:       o.Text("password", ""),
		Database:       o.Text("database", "vcon_db"),
		Table:          o.Text("table_name", "vcons"),
		SSLMode:        o.Text("sslmode", ""),
		SSLRootCert:    o.Text("sslrootcert", ""),
		PoolSize:       o.Int("pool_size", 10, 1, 1000),
		ConnectTimeout: o.Duration("connect_timeout", 5*time.Second, time.Millisecond, time.Hour),
		KeepBytes:      o.Text("keep_bytes", keepAuto),
	}
	o.Ignore("name") // the Python server's own default options have it
	for _, required := range [][2]string{{"user", c.User}, {"database", c.Database}} {
		if required[1] == "" {
			o.Fail(required[0], "must not be empty")
		}
	}
	if slices.Contains(strings.Split(c.Host, ","), "") {
		o.Fail("host", "must not be empty, nor a part of it")
	}
	for _, sent := range [][2]string{{"user", c.User}, {"password", c.Password}, {"database", c.Database}} {
		if strings.ContainsRune(sent[1], 0) {
			o.Fail(sent[0], "must not have a NUL character")
		}
	}
	var err error
	if c.table, err = parseTable(c.Table); err != nil {
		o.Fail("table_name", "%w", err)
	}
	c.checkTLS(o)
	if c.KeepBytes != keepAuto && c.KeepBytes != keepAlways && c.KeepBytes != keepNever {
		o.Fail("keep_bytes", "must be auto, true or false")
	}
	return c, o.Unknown(), o.Err()
}

func (c *Config) checkTLS(o *chain.Options) {
	if c.SSLRootCert != "" && c.SSLMode == "" {
		c.SSLMode = "verify-full"
	}
	switch c.SSLMode {
	case "", "require", "verify-ca", "verify-full":
	case "disable", "allow", "prefer":
		if c.SSLRootCert != "" {
			o.Fail("sslrootcert", `does nothing with option "sslmode" %s`, c.SSLMode)
		}
	default:
		o.Fail("sslmode", "must be disable, allow, prefer, require, verify-ca or verify-full")
	}
}

// Storage keeps vCons in a table. Safe for concurrent use, also by several processes.
type Storage struct {
	c      Config
	pool   *pgxpool.Pool
	table  atomic.Pointer[table] // nil: to be looked at
	look   chan struct{}         // holds one token: who has put it there looks at the table
	closed atomic.Bool
}

// Check says everything that is wrong with the options, and which of them do nothing; it connects to nothing.
func Check(options json.RawMessage) (unknown []string, err error) {
	_, unknown, err = readConfig(options)
	return unknown, err
}

// Open connects, makes the table if it is not there, and asks whether a row can be saved. It waits connect_timeout for a
// connection, and a few seconds for others who lock the table.
func Open(ctx context.Context, name string, options json.RawMessage) (chain.Storage, error) {
	c, _, err := readConfig(options)
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", name, err)
	}
	pool, err := c.pool()
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", name, err)
	}
	s := &Storage{c: c, pool: pool, look: make(chan struct{}, 1)}
	ctx, cancel := context.WithTimeout(ctx, c.ConnectTimeout+2*lockTimeout)
	defer cancel()
	if _, err := s.layout(ctx); err != nil {
		err = fmt.Errorf("storage %q: open %s: %w", name, c.place(), explain(err))
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Save writes the row. Permanent errors: a document that the database, or a constraint of the table, refuses.
func (s *Storage) Save(ctx context.Context, doc *vcon.VCon, rev uint64) error {
	return s.do(ctx, "save", doc.ID(), func(t *table) error { return s.save(ctx, t, doc, rev) })
}

func (s *Storage) save(ctx context.Context, t *table, doc *vcon.VCon, rev uint64) error {
	r := rowOf(doc, rev)
	var changed bool
	if r.json, changed = representable(r.doc); changed && !t.exact {
		return chain.Permanent(errUnrepresentable)
	}
	err := s.write(ctx, t, r)
	if refused(err) && t.exact {
		r.json = nil
		err = s.write(ctx, t, r)
	}
	return err
}

// write is one try to write a row.
func (s *Storage) write(ctx context.Context, t *table, r row) error {
	tag, err := s.pool.Exec(ctx, t.save, r.args(t.exact)...)
	if err == nil && tag.RowsAffected() == 0 {
		return errNewer
	}
	return err
}

// limits of what is read: JSONB writes 1e5000 out.
var limits = vcon.Limits{Bytes: math.MaxInt32, Number: 1 << 18}

// Get reads a row: the bytes that were saved, or the JSONB where there are none or somebody changed it since.
func (s *Storage) Get(ctx context.Context, id vcon.ID) (doc *vcon.VCon, _ error) {
	err := s.do(ctx, "read", id, func(t *table) error {
		var text []byte
		err := s.pool.QueryRow(ctx, t.get, id.String()).Scan(&text)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && text == nil {
			return chain.ErrNotStored
		}
		if err != nil {
			return err
		}
		doc, err = vcon.ParseWith(text, limits)
		return chain.Permanent(err)
	})
	return doc, err
}

// Delete deletes the row.
func (s *Storage) Delete(ctx context.Context, id vcon.ID) error {
	return s.do(ctx, "delete", id, func(t *table) error {
		_, err := s.pool.Exec(ctx, t.delete, id.String())
		return err
	})
}

// do runs one operation on the table as it is now. A table that turns out to be gone or changed is looked at once more:
// the Python server makes it on every save, so that people drop it to start anew.
func (s *Storage) do(ctx context.Context, what string, id vcon.ID, op func(*table) error) error {
	if s.closed.Load() {
		return chain.ErrClosed
	}
	t, err := s.layout(ctx)
	if err == nil {
		if err = op(t); changed(err) && s.table.CompareAndSwap(t, nil) {
			if t, err = s.layout(ctx); err == nil {
				err = op(t)
			}
		}
	}
	switch {
	case err == nil || errors.Is(err, chain.ErrNotStored):
		return err
	case s.closed.Load():
		return chain.ErrClosed
	}
	if lost(err) {
		s.pool.Reset() // where one connection is broken, those that wait beside it may be, too
	}
	return fmt.Errorf("%s vcon %s in %s: %w", what, id, s.c.place(), explain(err))
}

// closeWithin bounds how long Close waits for connections that no longer answer.
const closeWithin = 3 * time.Second

// Close makes further calls fail and waits for those that are under way, 3 s at most.
func (s *Storage) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	done := make(chan struct{})
	go func() {
		s.pool.Close()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(closeWithin):
	}
	return nil
}

var (
	_ chain.OpenStorage = Open
	_ chain.Reader      = (*Storage)(nil)
	_ chain.Deleter     = (*Storage)(nil)
)
