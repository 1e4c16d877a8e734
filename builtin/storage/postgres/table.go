package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vconduit/vconduit/vcon"
)

// The table, as the ORM of the Python server makes it, index included. created_at and updated_at are in UTC: created_at is
// the vCon's, updated_at the time of the last save. columns are those that every such table has.
var columns = []string{"id", "vcon", "uuid", "created_at", "updated_at", "subject", "vcon_json"}

const createTable = `CREATE TABLE IF NOT EXISTS {table} (id UUID NOT NULL PRIMARY KEY, vcon TEXT NOT NULL, uuid UUID NOT NULL,
	created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP, subject TEXT, vcon_json JSONB)`

const createIndex = `CREATE INDEX IF NOT EXISTS {index} ON {table} USING GIN (vcon_json)`

// Our columns: the document byte for byte; the SHA-256 of the text of the vcon_json that was written with it, so that a
// later change of vcon_json by anybody is seen; the revision of the live store.
var ourColumns = []string{"vconduit_doc", "vconduit_hash", "vconduit_rev"}

const addColumns = `ALTER TABLE {table} ADD COLUMN IF NOT EXISTS vconduit_doc BYTEA,
	ADD COLUMN IF NOT EXISTS vconduit_hash BYTEA, ADD COLUMN IF NOT EXISTS vconduit_rev BIGINT`

const savePlain = `INSERT INTO {table} AS t (id, vcon, uuid, created_at, updated_at, subject, vcon_json)
SELECT $1::uuid, $2::text, $1::uuid, coalesce($3::timestamptz, now()) AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC', $4::text,
	convert_from($5::bytea, 'UTF8')::jsonb
ON CONFLICT (id) DO UPDATE SET vcon = EXCLUDED.vcon, uuid = EXCLUDED.uuid,
	created_at = coalesce($3::timestamptz AT TIME ZONE 'UTC', t.created_at),
	updated_at = EXCLUDED.updated_at, subject = EXCLUDED.subject, vcon_json = EXCLUDED.vcon_json`

// A save of an older revision than was saved within the last 2 minutes comes late, from a worker that lost its lease; it
// is refused. Later it is not: the live store forgets a vCon some time after it is finished, and then counts its
// revisions from 1 again. An equal revision is never refused. OFFSET 0 keeps the planner from converting the document
// once for each place where it is used.
const saveExact = `INSERT INTO {table} AS t (id, vcon, uuid, created_at, updated_at, subject, vcon_json, vconduit_doc, vconduit_hash, vconduit_rev)
SELECT $1::uuid, $2::text, $1::uuid, coalesce($3::timestamptz, now()) AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC', $4::text,
	j, coalesce($6::bytea, $5::bytea), sha256(convert_to(j::text, 'UTF8')), $7::bigint
FROM (SELECT convert_from($5::bytea, 'UTF8')::jsonb AS j OFFSET 0) AS x
ON CONFLICT (id) DO UPDATE SET vcon = EXCLUDED.vcon, uuid = EXCLUDED.uuid,
	created_at = coalesce($3::timestamptz AT TIME ZONE 'UTC', t.created_at),
	updated_at = EXCLUDED.updated_at, subject = EXCLUDED.subject, vcon_json = EXCLUDED.vcon_json,
	vconduit_doc = EXCLUDED.vconduit_doc, vconduit_hash = EXCLUDED.vconduit_hash, vconduit_rev = EXCLUDED.vconduit_rev
WHERE NOT coalesce(t.vconduit_rev > EXCLUDED.vconduit_rev AND abs(extract(epoch FROM EXCLUDED.updated_at - t.updated_at)) < 120, false)`

const getPlain = `SELECT convert_to(vcon_json::text, 'UTF8') FROM {table} WHERE id = $1::uuid`

const getExact = `SELECT CASE WHEN doc IS NOT NULL AND hash IS NOT DISTINCT FROM sha256(j) THEN doc ELSE j END
FROM (SELECT vconduit_doc AS doc, vconduit_hash AS hash, convert_to(vcon_json::text, 'UTF8') AS j
	FROM {table} WHERE id = $1::uuid OFFSET 0) AS x`

const deleteRow = `DELETE FROM {table} WHERE id = $1::uuid`

// errNewer is a save that came late.
var errNewer = errors.New("a newer revision was saved less than 2 minutes ago")

// errUnrepresentable is a document that only our columns can hold. The server is not asked: it would write a part of the
// document into its log.
var errUnrepresentable = errors.New(`JSONB cannot hold its \u0000 or lone surrogates, and the table has no columns of ours (option "keep_bytes")`)

// table is the table as it was found, and the statements for it. Immutable.
type table struct {
	exact             bool // it has our columns, and they are wanted
	save, get, delete string
	recheck           time.Time // when to look again whether it has our columns; zero: never
}

// row is what is written.
type row struct {
	id, version string
	createdAt   *time.Time // nil: that of the row before, or now
	subject     *string    // nil: NULL
	doc, json   []byte     // the document, and what vcon_json is made of: nil gives NULL
	rev         uint64
}

// rowOf is the row of a document, still without json.
func rowOf(doc *vcon.VCon, rev uint64) row {
	r := row{id: doc.ID().String(), version: withoutNUL(doc.Version()), doc: doc.Bytes(), rev: rev}
	if s := withoutNUL(doc.Subject()); s != "" {
		r.subject = &s
	}
	if at, ok := doc.CreatedAt(); ok {
		r.createdAt = &at
	}
	return r
}

// withoutNUL: TEXT takes every character but this.
func withoutNUL(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// args are the arguments of a save statement. The document is sent once where it is what both columns are made of.
func (r row) args(exact bool) []any {
	args := []any{r.id, r.version, r.createdAt, r.subject, r.json}
	if !exact {
		return args
	}
	var doc []byte
	if len(r.json) == 0 || &r.json[0] != &r.doc[0] {
		doc = r.doc
	}
	return append(args, doc, int64(r.rev))
}

// lockTimeout bounds the wait for a table that others use; recheckAfter is the time until a table without our columns is
// looked at again.
const (
	lockTimeout  = 3 * time.Second
	recheckAfter = 10 * time.Minute
)

// layout gives the table, looking at it first when nobody has, or when it may have got our columns meanwhile.
func (s *Storage) layout(ctx context.Context) (*table, error) {
	fresh := func() *table {
		if t := s.table.Load(); t != nil && (t.recheck.IsZero() || time.Now().Before(t.recheck)) {
			return t
		}
		return nil
	}
	if t := fresh(); t != nil {
		return t, nil
	}
	select {
	case s.look <- struct{}{}:
		defer func() { <-s.look }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if t := fresh(); t != nil {
		return t, nil
	}
	t, err := s.prepare(ctx)
	if err == nil {
		s.table.Store(t)
	}
	return t, err
}

// prepare finds the table, makes it or adds our columns, and asks whether a row could be saved.
func (s *Storage) prepare(ctx context.Context) (*table, error) {
	t, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	// EXPLAIN plans a statement and checks the rights for it, as for a missing unique index on id; it runs nothing.
	_, err = s.pool.Exec(ctx, "EXPLAIN "+t.save, row{id: vcon.ID{}.String()}.args(t.exact)...)
	return t, err
}

// find finds the table, makes it or adds our columns.
func (s *Storage) find(ctx context.Context) (*table, error) {
	has, mayAlter, err := s.columns(ctx)
	if err != nil {
		return nil, err
	}
	if len(has) == 0 {
		return s.statements(s.c.KeepBytes != keepNever, false), s.create(ctx)
	}
	if lacks := without(columns, has); len(lacks) > 0 {
		return nil, fmt.Errorf(`it has no column %s: option "table_name" names a table of something else`, strings.Join(lacks, ", "))
	}
	switch missing := len(without(ourColumns, has)) > 0; {
	case s.c.KeepBytes == keepNever:
		return s.statements(false, false), nil
	case !missing:
		return s.statements(true, false), nil
	case mayAlter:
		err = s.change(ctx, addColumns)
	default:
		err = errNotOwner
	}
	switch {
	case err != nil && s.c.KeepBytes == keepAlways:
		return nil, fmt.Errorf(`add the columns that option "keep_bytes" needs: %w`, explain(err))
	case err != nil && !errors.Is(err, errNotOwner) && !busy(err):
		return nil, err
	}
	return s.statements(err == nil, err != nil), nil
}

// errNotOwner is a table that belongs to another role.
var errNotOwner = errors.New("only the owner of the table can, and that is another role")

func without(want, has []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(c string) bool { return slices.Contains(has, c) })
}

// columns gives the columns of the table, none if it is not there, and whether we may add some.
func (s *Storage) columns(ctx context.Context) (has []string, mayAlter bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT coalesce(array_agg(a.attname::text), '{}'),
			coalesce(bool_or(c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')), false)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.oid = to_regclass($1::text)`, s.c.table.Sanitize()).Scan(&has, &mayAlter)
	return has, mayAlter, err
}

func (s *Storage) create(ctx context.Context) error {
	if s.c.KeepBytes == keepNever {
		return s.change(ctx, createTable, createIndex)
	}
	return s.change(ctx, createTable, addColumns, createIndex)
}

// change changes the schema in one transaction, one process at a time: two that run IF NOT EXISTS at once can both fail.
func (s *Storage) change(ctx context.Context, statements ...string) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", lockTimeout.Milliseconds())); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", "vconduit storage "+s.c.Table); err != nil {
			return err
		}
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, s.named(sql)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Storage) statements(exact, recheck bool) *table {
	t := &table{exact: exact, save: s.named(savePlain), get: s.named(getPlain), delete: s.named(deleteRow)}
	if exact {
		t.save, t.get = s.named(saveExact), s.named(getExact)
	}
	if recheck {
		t.recheck = time.Now().Add(recheckAfter)
	}
	return t
}

// named puts the names of the table and its index into a statement. The index is in the schema of its table.
func (s *Storage) named(sql string) string {
	index := pgx.Identifier{s.c.table[len(s.c.table)-1] + "_vcon_json"}
	return strings.NewReplacer("{table}", s.c.table.Sanitize(), "{index}", index.Sanitize()).Replace(sql)
}
