package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

// place is a table's place on a server: nothing is there yet.
type place struct {
	t     testing.TB
	at    *url.URL
	table string
	sql   *pgxpool.Pool // looks at the server without the storage
}

func newPlace(t testing.TB, at string) *place {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	sql, err := pgxpool.New(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t, u, "t_" + vcon.NewID("postgres.example").String(), sql}
	t.Cleanup(func() {
		p.drop("TABLE IF EXISTS " + p.quoted())
		sql.Close()
	})
	return p
}

func (p *place) quoted() string { return pgx.Identifier{p.table}.Sanitize() }

// options are those of the place; more are laid over them.
func (p *place) options(more string) json.RawMessage {
	p.t.Helper()
	password, _ := p.at.User.Password()
	o := map[string]any{
		"host": p.at.Hostname(), "port": p.at.Port(), "user": p.at.User.Username(), "password": password,
		"database": strings.TrimPrefix(p.at.Path, "/"), "table_name": p.table,
	}
	if more != "" {
		if err := json.Unmarshal([]byte(more), &o); err != nil {
			p.t.Fatal(err)
		}
	}
	text, err := json.Marshal(o)
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

func (p *place) open(more string) *Storage {
	p.t.Helper()
	s, err := Open(p.t.Context(), "archive", p.options(more))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { s.Close() })
	return s.(*Storage)
}

func (p *place) openError(more string) error {
	p.t.Helper()
	s, err := Open(p.t.Context(), "archive", p.options(more))
	if err == nil {
		s.Close()
	}
	return err
}

// exec runs a statement; {table} stands for the table.
func (p *place) exec(sql string, args ...any) {
	p.t.Helper()
	if _, err := p.sql.Exec(p.t.Context(), strings.ReplaceAll(sql, "{table}", p.quoted()), args...); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
}

// drop drops something at the end of the test; a server that is gone has nothing to drop.
func (p *place) drop(what string) {
	if _, err := p.sql.Exec(context.Background(), "DROP "+what); code(err) != "" {
		p.t.Error(err)
	}
}

// text asks for one value, as text; "NULL" stands for none.
func (p *place) text(sql string, args ...any) string {
	p.t.Helper()
	var v *string
	if err := p.sql.QueryRow(p.t.Context(), strings.ReplaceAll(sql, "{table}", p.quoted()), args...).Scan(&v); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	if v == nil {
		return "NULL"
	}
	return *v
}

// column is a column of a vCon's row, as text.
func (p *place) column(name string, id vcon.ID) string {
	p.t.Helper()
	return p.text("SELECT "+name+"::text FROM {table} WHERE id = $1", id.String())
}

func save(t testing.TB, s chain.Storage, doc *vcon.VCon, rev uint64) {
	t.Helper()
	if err := s.Save(t.Context(), doc, rev); err != nil {
		t.Fatal(err)
	}
}

func holds(t testing.TB, s *Storage, want *vcon.VCon) {
	t.Helper()
	got, err := s.Get(t.Context(), want.ID())
	if err != nil {
		t.Error(err)
	} else if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("get gives another text: %.300q, want %.300q", got.Bytes(), want.Bytes())
	}
}

func parse(t testing.TB, text string) *vcon.VCon {
	t.Helper()
	doc, err := vcon.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestStorage(t *testing.T) {
	t.Parallel()
	at := testserver.Postgres(t)
	for name, more := range map[string]string{
		"defaults":      `{}`,
		"must be exact": `{"keep_bytes":true,"sslmode":"disable"}`,
		"one at a time": `{"pool_size":"1"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chaintest.Storage(t, chaintest.StorageCase{
				Open: Open, Exact: true, Large: 20 << 20,
				Options: func(t *testing.T) json.RawMessage { return newPlace(t, at).options(more) },
				Bad: map[string]string{
					`{"port":"x"}`:                             "port",
					`{"port":0,"host":""}`:                     "port",
					`{"port":0,"host":"" }`:                    "host",
					`{"host":"a,,b"}`:                          "host",
					`{"user":""}`:                              "user",
					`{"user":{}}`:                              "user",
					`{"database":""}`:                          "database",
					`{"database":"a\u0000b"}`:                  "database",
					`{"password":["x"]}`:                       "password",
					`{"table_name":""}`:                        "table_name",
					`{"table_name":"a.b.c"}`:                   "table_name",
					`{"table_name":".b"}`:                      "table_name",
					`{"table_name":"a\u0000"}`:                 "table_name",
					`{"table_name":"` + long(64) + `"}`:        "table_name",
					`{"sslmode":"yes"}`:                        "sslmode",
					`{"sslmode":"prefer","sslrootcert":"x"}`:   "sslrootcert",
					`{"sslrootcert":"/no/such"}`:               "sslrootcert",
					`{"pool_size":0}`:                          "pool_size",
					`{"connect_timeout":"soon"}`:               "connect_timeout",
					`{"keep_bytes":"maybe","pool_size":"all"}`: "keep_bytes",
					`[]`: "options",
				},
			})
		})
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// TestDefaults: what is not given is as the Python server has it.
func TestDefaults(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"", `{}`, `{"name":"postgres"}`, `{"port":"5432"}`, `{"user":null}`} {
		c, unknown, err := readConfig(json.RawMessage(options))
		if got := c.place(); got != `table "vcons" of postgres at localhost:5432, database "vcon_db"` || c.User != "postgres" || c.Password != "" {
			t.Errorf("%s: %s as %q", options, got, c.User)
		}
		if len(unknown) > 0 || err != nil {
			t.Errorf("%s: %q, %v", options, unknown, err)
		}
	}
}

// pythonTable and pythonIndex are what the Python server's ORM runs before each save.
const (
	pythonTable = `CREATE TABLE IF NOT EXISTS {table} ("id" UUID NOT NULL PRIMARY KEY, "vcon" TEXT NOT NULL, "uuid" UUID NOT NULL, ` +
		`"created_at" TIMESTAMP NOT NULL, "updated_at" TIMESTAMP, "subject" TEXT, "vcon_json" JSONB)`
	pythonIndex = `CREATE INDEX IF NOT EXISTS %q ON {table} USING GIN ("vcon_json")`
)

// pythonTable makes the table as the Python server does.
func (p *place) pythonTable() {
	p.t.Helper()
	p.exec(pythonTable)
	p.exec(fmt.Sprintf(pythonIndex, p.table+"_vcon_json"))
}

// pythonSave writes a row as the Python server does.
func (p *place) pythonSave(id vcon.ID, document string) {
	p.t.Helper()
	p.exec(`INSERT INTO {table} ("id", "vcon", "uuid", "created_at", "updated_at", "subject", "vcon_json") VALUES ($1, $2, $3, $4::text::timestamp, $5, $6, $7::text::jsonb) `+
		`ON CONFLICT ("id") DO UPDATE SET "vcon" = EXCLUDED."vcon", "uuid" = EXCLUDED."uuid", "created_at" = EXCLUDED."created_at", `+
		`"updated_at" = EXCLUDED."updated_at", "subject" = EXCLUDED."subject", "vcon_json" = EXCLUDED."vcon_json" RETURNING {table}."id"`,
		id.String(), "0.0.1", id.String(), "2025-02-03T04:05:06.000+00:00", time.Now(), "Grüße", document)
}

// pythonGet is what the Python server's get reads.
func (p *place) pythonGet(id vcon.ID) string {
	p.t.Helper()
	return p.text(`SELECT "t1"."vcon_json"::text FROM (SELECT "t1"."id", "t1"."vcon", "t1"."uuid", "t1"."created_at", "t1"."updated_at", "t1"."subject", "t1"."vcon_json" `+
		`FROM {table} AS "t1" WHERE ("t1"."id" = $1) LIMIT 1 OFFSET 0) AS "t1"`, id.String())
}

// shape is what the catalogue says of the table's columns and indexes.
func (p *place) shape() string {
	p.t.Helper()
	got := p.text(`SELECT string_agg(concat_ws(' ', column_name, data_type, is_nullable, column_default), ', ' ORDER BY ordinal_position)
		FROM information_schema.columns WHERE table_name = $1`, p.table) + "; " +
		p.text(`SELECT string_agg(indexdef, ', ' ORDER BY indexdef) FROM pg_indexes WHERE tablename = $1`, p.table)
	return strings.ReplaceAll(got, p.table, "TABLE")
}

// TestTable: the table is the Python server's, and our columns come behind its own.
func TestTable(t *testing.T) {
	t.Parallel()
	at := testserver.Postgres(t)
	python := newPlace(t, at)
	python.pythonTable()
	want := python.shape()
	never := newPlace(t, at)
	never.open(`{"keep_bytes":false}`)
	if got := never.shape(); got != want {
		t.Errorf("without our columns the table is\n%s, want\n%s", got, want)
	}
	python.open("")
	ours := "vconduit_doc bytea YES, vconduit_hash bytea YES, vconduit_rev bigint YES; "
	want = strings.Replace(want, "; ", ", "+ours, 1)
	if got := python.shape(); got != want {
		t.Errorf("the Python server's table becomes\n%s, want\n%s", got, want)
	}
	p := newPlace(t, at)
	p.open("")
	if got := p.shape(); got != want {
		t.Errorf("our table is\n%s, want\n%s", got, want)
	}
}

// TestTableNames: names are taken as they are written, on the search path or in a schema.
func TestTableNames(t *testing.T) {
	t.Parallel()
	at := testserver.Postgres(t)
	p := newPlace(t, at)
	schema := pgx.Identifier{"S " + p.table}.Sanitize()
	p.exec("CREATE SCHEMA " + schema)
	t.Cleanup(func() { p.drop("SCHEMA " + schema + " CASCADE") })
	for name, quoted := range map[string]string{
		"S " + p.table + ".calls":       schema + ".calls",
		"S " + p.table + `.We"ird ; --`: schema + `."We""ird ; --"`,
		"public." + p.table:             p.quoted(),
	} {
		more := fmt.Sprintf(`{"table_name":%q}`, name)
		doc := chaintest.Document(t, "")
		save(t, p.open(more), doc, 1)
		holds(t, p.open(more), doc)
		if got := p.text(`SELECT count(*)::text FROM ` + quoted); got != "1" {
			t.Errorf("%s has %s rows, want 1", quoted, got)
		}
		if got := p.text(`SELECT count(*)::text FROM pg_indexes WHERE schemaname || '.' || tablename = $1 AND indexname LIKE '%_vcon_json'`, name); got != "1" {
			t.Errorf("%s has %s indexes of vcon_json, want 1", name, got)
		}
	}
	if err := p.openError(`{"table_name":"nowhere.calls"}`); err == nil || !strings.Contains(err.Error(), "table_name") {
		t.Errorf("in a schema that is not there: %v", err)
	}
}

// TestRow: what stands in the columns.
func TestRow(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	s, id := p.open(""), vcon.NewID("postgres.example")
	before := p.text(`SELECT (now() AT TIME ZONE 'UTC')::text`)
	save(t, s, parse(t, fmt.Sprintf(`{"vcon":"0.3.0","uuid":%q,"created_at":"2026-03-05T23:30:00.123456-05:00","subject":"Gr\u00fc\u00dfe\u0000","x":1.0}`, id)), 1)
	for column, want := range map[string]string{
		"uuid": id.String(), "vcon": "0.3.0", "subject": "Grüße\uFFFD", "created_at": "2026-03-06 04:30:00.123456", "vconduit_rev": "1",
		"vcon_json": fmt.Sprintf(`{"x": 1.0, "uuid": %q, "vcon": "0.3.0", "subject": "Grüße%s", "created_at": "2026-03-05T23:30:00.123456-05:00"}`, id, "\uFFFD"),
	} {
		if got := p.column(column, id); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if got := p.column("updated_at", id); got < before {
		t.Errorf("updated_at is %s, before the save at %s", got, before)
	}
}

// TestCreatedAt: the column keeps the instant, and a save without one keeps the column.
func TestCreatedAt(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	s, id := p.open(""), vcon.NewID("postgres.example")
	now := p.text(`SELECT (now() AT TIME ZONE 'UTC')::text`)
	saveAt := func(createdAt string) string {
		save(t, s, parse(t, fmt.Sprintf(`{"uuid":%q,"created_at":%s}`, id, createdAt)), 1)
		return p.column("created_at", id)
	}
	first := saveAt("null")
	if first < now {
		t.Errorf("without created_at the column is %s, want the time of the save", first)
	}
	if again := saveAt(`"yesterday"`); again != first {
		t.Errorf("a save without a readable created_at makes %s of %s", again, first)
	}
	for _, c := range [][2]string{
		{`"2026-03-05T08:09:10Z"`, "2026-03-05 08:09:10"},
		{`"2026-03-05T08:09:10.5+09:00"`, "2026-03-04 23:09:10.5"},
		{`"2026-03-05T08:09:10"`, "2026-03-05 08:09:10"},
		{`"2026-03-05T08:09:10.123456789Z"`, "2026-03-05 08:09:10.123456"},
		{`"0001-01-01T00:00:00+01:00"`, "0001-12-31 23:00:00 BC"},
		{`"9999-12-31T23:59:59-01:00"`, "10000-01-01 00:59:59"},
		{`""`, "10000-01-01 00:59:59"},
	} {
		if got := saveAt(c[0]); got != c[1] {
			t.Errorf("created_at %s gives %s, want %s", c[0], got, c[1])
		}
	}
}

// sameJSON compares values, not texts.
func sameJSON(t *testing.T, what, got, want string) {
	t.Helper()
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(got), &a), json.Unmarshal([]byte(want), &b)); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// TestWithPython: both servers on one table, each reads what the other wrote last.
func TestWithPython(t *testing.T) {
	t.Parallel()
	at := testserver.Postgres(t)
	for _, more := range []string{`{}`, `{"keep_bytes":false}`} {
		p := newPlace(t, at)
		p.pythonTable()
		id := vcon.NewID("postgres.example")
		text := func(n string) string {
			return fmt.Sprintf(`{"uuid": %q, "vcon": "0.0.1", "created_at": "2025-02-03T04:05:06.000+00:00", "subject": "Gr\u00fc\u00dfe", "parties": [], "n": %s}`, id, n)
		}
		p.pythonSave(id, text("1"))
		s := p.open(more)
		read := func(want string) {
			t.Helper()
			doc, err := s.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, "get", string(doc.Bytes()), want)
			sameJSON(t, "the Python server's get", p.pythonGet(id), want)
		}
		read(text("1"))
		for rev := range uint64(2) {
			ours, theirs := fmt.Sprintf("%d.0", rev), fmt.Sprintf("%d.5", rev)
			save(t, s, parse(t, text(ours)), rev)
			read(text(ours))
			p.pythonSave(id, text(theirs))
			read(text(theirs))
		}
		p.exec(`UPDATE {table} SET vcon_json = jsonb_set(vcon_json, '{n}', '"by hand"')`)
		read(text(`"by hand"`))
		p.exec(`UPDATE {table} SET vcon_json = NULL`)
		if doc, err := s.Get(t.Context(), id); !errors.Is(err, chain.ErrNotStored) {
			t.Errorf("a row without document: %v, %v", doc, err)
		}
		save(t, s, parse(t, text("4")), 9)
		read(text("4"))
	}
}

// TestWhatJSONBChanges: the bytes are kept, and what JSONB takes of them is there for queries.
func TestWhatJSONBChanges(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	s := p.open("")
	for extra, want := range map[string]string{
		`,"x":{"b":1,"a":2,"b":3}`:           `{"a": 2, "b": 3}`,
		`,"x":[1e2, -0, 1.50]`:               `[100, 0, 1.50]`,
		`,"x":"\u0000 \\u0000 \ud83d\ude00"`: "\"\uFFFD \\\\u0000 😀\"",
		`,"x":"\ud83d \ude00 \ude00\ud83d"`:  "\"\uFFFD \uFFFD \uFFFD\uFFFD\"",
		`,"x":{"\u0000":1}`:                  "{\"\uFFFD\": 1}",
		`,"x":1e-20000`:                      "NULL", // the document is there, vcon_json is not
		`,"x":1e200000`:                      "NULL",
		`,"x":"\u0000","y":1e200000`:         "NULL",
		`  ,  "x" : 7  `:                     "7",
	} {
		doc := chaintest.Document(t, extra)
		save(t, s, doc, 1)
		holds(t, s, doc)
		if got := p.column("vcon_json->'x'", doc.ID()); got != want {
			t.Errorf("%s becomes %q, want %q", extra, got, want)
		}
	}
}

// TestWithoutOurColumns: what JSONB would not hold is refused, and what was there stays.
func TestWithoutOurColumns(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	s, id := p.open(`{"keep_bytes":"false"}`), vcon.NewID("postgres.example")
	save(t, s, chaintest.Text(t, id, `,"x":[1.50,2]`), 5)
	for x, word := range map[string]string{`"secret words \u0000"`: "keep_bytes", `"secret words \ud83d"`: "keep_bytes", `1e200000`: "22003"} {
		says(t, x, s.Save(t.Context(), chaintest.Text(t, id, `,"x":`+x), 6), permanently, id.String(), "hold", word)
	}
	doc, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "get", string(doc.Bytes()), string(chaintest.Text(t, id, `,"x":[1.50,2]`).Bytes()))
	save(t, s, chaintest.Text(t, id, `,"x":1`), 4) // it knows no revisions
	if got := p.column("vcon_json->'x'", id); got != "1" {
		t.Errorf("x is %s, want 1", got)
	}
}

// TestHandMadeTables: tables that are somewhat different work, or are refused when the storage is opened.
func TestHandMadeTables(t *testing.T) {
	t.Parallel()
	at := testserver.Postgres(t)
	for name, c := range map[string]struct{ ddl, refused string }{
		"json":           {`CREATE TABLE {table} (id UUID PRIMARY KEY, vcon TEXT, uuid UUID, created_at TIMESTAMP, updated_at TIMESTAMP, subject TEXT, vcon_json JSON)`, ""},
		"zone":           {`CREATE TABLE {table} (id UUID PRIMARY KEY, vcon TEXT, uuid UUID, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ, subject TEXT, vcon_json JSONB)`, ""},
		"varchar":        {`CREATE TABLE {table} (vcon_json JSONB, subject VARCHAR(200), updated_at TIMESTAMP, created_at TIMESTAMP, uuid UUID UNIQUE, vcon VARCHAR(10), id UUID PRIMARY KEY)`, ""},
		"more columns":   {`CREATE TABLE {table} (id UUID PRIMARY KEY, vcon TEXT, uuid UUID, created_at TIMESTAMP, updated_at TIMESTAMP, subject TEXT, vcon_json JSONB, tenant TEXT DEFAULT 'x')`, ""},
		"something else": {`CREATE TABLE {table} (id UUID PRIMARY KEY, data JSONB, vcon TEXT, uuid UUID, created_at TIMESTAMP, updated_at TIMESTAMP)`, "subject, vcon_json"},
		"no key":         {`CREATE TABLE {table} (id UUID, vcon TEXT, uuid UUID, created_at TIMESTAMP, updated_at TIMESTAMP, subject TEXT, vcon_json JSONB)`, "unique"},
		"text key":       {`CREATE TABLE {table} (id TEXT PRIMARY KEY, vcon TEXT, uuid INT, created_at TIMESTAMP, updated_at TIMESTAMP, subject TEXT, vcon_json JSONB)`, "uuid"},
	} {
		for _, more := range []string{`{}`, `{"keep_bytes":false}`} {
			t.Run(name+more, func(t *testing.T) {
				t.Parallel()
				p := newPlace(t, at)
				p.exec(c.ddl)
				if c.refused != "" {
					says(t, name, p.openError(more), passing, "archive", "table_name", c.refused)
					return
				}
				s, doc := p.open(more), chaintest.Document(t, `,"subject":"x"`)
				for range 2 {
					save(t, s, doc, 1)
				}
				got, err := s.Get(t.Context(), doc.ID())
				if err != nil {
					t.Fatal(err)
				}
				sameJSON(t, name, string(got.Bytes()), string(doc.Bytes()))
				if more == `{}` {
					holds(t, s, doc)
				}
				if got := p.text(`SELECT (created_at AT TIME ZONE 'UTC' = '2026-03-05T06:09:10Z' OR created_at = '2026-03-05T06:09:10Z')::text FROM {table}`); got != "true" {
					t.Errorf("created_at is %s, want another instant", p.column("created_at", doc.ID()))
				}
			})
		}
	}
}

// TestRevisions: an older revision that comes a moment late is refused; an equal one never, nor one that comes much later.
func TestRevisions(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	s, id := p.open(""), vcon.NewID("postgres.example")
	text := func(n int) *vcon.VCon { return chaintest.Text(t, id, fmt.Sprintf(`,"n":%d`, n)) }
	save(t, s, text(1), 3)
	says(t, "an older one", s.Save(t.Context(), text(2), 2), passing, id.String(), "newer revision")
	holds(t, s, text(1))
	save(t, s, text(3), 3)
	holds(t, s, text(3))
	save(t, s, text(4), 1<<63-1)
	for _, ago := range []string{"3 minutes", "-2 hours"} { // the latter: another writer's local time
		save(t, s, text(5), 1<<63-1)
		p.exec(`UPDATE {table} SET updated_at = updated_at - $1::text::interval`, ago)
		save(t, s, text(6), 1)
		holds(t, s, text(6))
	}
	p.exec(`UPDATE {table} SET vconduit_rev = NULL`)
	save(t, s, text(7), 1)
	holds(t, s, text(7))
	p.exec(`UPDATE {table} SET vconduit_rev = 9, updated_at = NULL`)
	save(t, s, text(8), 1)
	holds(t, s, text(8))
}

// TestConcurrentRevisions: whichever order the saves take, the newest stays.
func TestConcurrentRevisions(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	s, id := p.open(`{"pool_size":8}`), vcon.NewID("postgres.example")
	const newest = 40
	var wg sync.WaitGroup
	for rev := range uint64(newest + 1) {
		doc := chaintest.Text(t, id, fmt.Sprintf(`,"x":"%s","rev":%d`, long(1000), rev))
		wg.Go(func() {
			if err := s.Save(t.Context(), doc, rev); err != nil && !errors.Is(err, errNewer) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	holds(t, s, chaintest.Text(t, id, fmt.Sprintf(`,"x":"%s","rev":%d`, long(1000), newest)))
}

// TestConcurrentOpen: several processes that start at once make one table.
func TestConcurrentOpen(t *testing.T) {
	t.Parallel()
	at := testserver.Postgres(t)
	for _, python := range []bool{false, true} {
		p := newPlace(t, at)
		if python {
			p.pythonTable()
		}
		doc := chaintest.Document(t, `,"x":"\u0000"`)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				s, err := Open(t.Context(), "archive", p.options(""))
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if err := s.Save(t.Context(), doc, 1); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

// TestTableGone: people drop the table to start anew, and our columns.
func TestTableGone(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	s, doc := p.open(""), chaintest.Document(t, `,"x":"\u0000"`)
	save(t, s, doc, 1)
	want := p.shape()
	for _, drop := range []string{`DROP TABLE {table}`, `ALTER TABLE {table} DROP COLUMN vconduit_doc, DROP COLUMN vconduit_hash, DROP COLUMN vconduit_rev`} {
		p.exec(drop)
		save(t, s, doc, 1)
		holds(t, s, doc)
		if got := p.shape(); got != want {
			t.Errorf("after %s:\n%s, want\n%s", drop, got, want)
		}
	}
	p.exec(`DROP TABLE {table}`)
	if got, err := s.Get(t.Context(), doc.ID()); !errors.Is(err, chain.ErrNotStored) {
		t.Errorf("get = %v, %v; want ErrNotStored", got, err)
	}
	p.exec(`DROP TABLE {table}`)
	if err := s.Delete(t.Context(), doc.ID()); err != nil {
		t.Error(err)
	}
	p.exec(`DROP TABLE {table}; CREATE TABLE {table} (id INT)`)
	says(t, "another table", s.Save(t.Context(), doc, 1), passing, "no column vcon", "table_name")
}

// TestStatementsHaveNoNames: a pooler may give each statement to another connection.
func TestStatementsHaveNoNames(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	s, doc := p.open(`{"pool_size":1}`), chaintest.Document(t, "")
	for range 3 {
		save(t, s, doc, 1)
		holds(t, s, doc)
	}
	var n int
	if err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_statements").Scan(&n); err != nil || n > 0 {
		t.Errorf("%d statements have names, %v", n, err)
	}
}

// TestForeignRow: what is no vCon is an error that no repetition mends, and a save replaces it.
func TestForeignRow(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	s, doc := p.open(""), chaintest.Document(t, "")
	for _, text := range []string{`[]`, `{"uuid": 7}`, `"secret words"`} {
		p.pythonSave(doc.ID(), text)
		_, err := s.Get(t.Context(), doc.ID())
		says(t, text, err, permanently, doc.ID().String())
		save(t, s, doc, 1)
		holds(t, s, doc)
	}
}
