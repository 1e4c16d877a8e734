package postgres

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

// Whether an error is about this one vCon, so that it goes to the dead letters at once.
const (
	passing     = false
	permanently = true
)

// says checks what an error says, and that it tells neither passwords nor documents.
func says(t *testing.T, what string, err error, permanent bool, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: the error does not say %q: %v", what, w, err)
		}
	}
	for _, secret := range []string{testserver.PostgresPassword, `pass\\word`, "other password", "secret words", "\n"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells %q: %v", what, secret, err)
		}
	}
	if chain.IsPermanent(err) != permanent {
		t.Errorf("%s: permanent is %v, want %v: %v", what, !permanent, permanent, err)
	}
	if errors.Is(err, context.Canceled) {
		t.Errorf("%s: the error looks as if the caller had given up: %v", what, err)
	}
}

// through is the options that lead through another address than the server's.
func through(addr string) string {
	host, port, _ := strings.Cut(addr, ":")
	return fmt.Sprintf(`{"host":%q,"port":%q}`, host, port)
}

// TestOpenRefuses: what a person has to mend is said when the storage is opened.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	for more, words := range map[string][]string{
		`{"password":"other password"}`:                         {`options "user", "password"`, "28P01"},
		`{"user":"nobody","password":"other password"}`:         {`as "nobody"`, `options "user", "password"`},
		`{"database":"nowhere"}`:                                {`option "database"`, "3D000"},
		`{"host":"127.0.0.1","port":1}`:                         {`options "host", "port"`, "127.0.0.1:1", "connection refused"},
		`{"host":"nowhere.invalid"}`:                            {`options "host", "port"`, "nowhere.invalid"},
		`{"host":"/no/such/folder"}`:                            {`options "host", "port"`, "/no/such/folder"},
		`{"sslmode":"require"}`:                                 {`"sslmode"`, "TLS"},
		`{"sslmode":"verify-full"}`:                             {`"sslmode"`, "TLS"},
		through(web.Listener.Addr().String()):                   {`options "host", "port"`},
		`{"host":"127.0.0.1,127.0.0.1","port":1,"user":"a\nb"}`: {`options "host", "port"`},
	} {
		says(t, more, p.openError(more), passing, append(words, `storage "archive"`, p.table)...)
	}
	says(t, "no file of certificates", p.openError(`{"sslrootcert":"/no/such/file"}`), passing, `storage "archive"`, `"sslrootcert"`, "/no/such/file")
}

// TestOwnServer does, one after the other, what changes a server for everybody.
func TestOwnServer(t *testing.T) {
	t.Parallel()
	server := testserver.StartPostgres(t, "fsync=off", "unix_socket_directories=.")
	for name, test := range map[string]func(*testing.T, *testserver.Process){
		"TLS": encrypted, "rights": rights, "refused rows": refusedRows, "encoding": encoding, "limits": serverLimits,
		"ended sessions": endedSessions, "socket": socket,
	} {
		t.Run(name, func(t *testing.T) { test(t, server) })
	}
}

// encrypted: with the server's certificate, without it, and against it.
func encrypted(t *testing.T, server *testserver.Process) {
	p := newPlace(t, testserver.PostgresURL(server))
	cert, key := certificate(t)
	for from, to := range map[string]string{cert: "server.crt", key: "server.key"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		// Its account must own the file, and nobody else may read it.
		if err := server.Run(t.Context(), "sh", "-c", `umask 077; printf %s "$1" >"data/$2"`, "sh", string(text), to); err != nil {
			t.Fatal(err)
		}
	}
	p.exec("ALTER SYSTEM SET ssl = on")
	p.exec("SELECT pg_reload_conf()")
	until(t, func() bool { return p.openError(`{"sslmode":"require"}`) == nil })
	for more, encrypted := range map[string]string{
		`{}`:                                    "true", // prefer
		`{"sslmode":"disable"}`:                 "false",
		`{"sslmode":"require"}`:                 "true",
		fmt.Sprintf(`{"sslrootcert":%q}`, cert): "true",
		fmt.Sprintf(`{"sslmode":"verify-ca","sslrootcert":%q}`, cert): "true",
	} {
		s, doc := p.open(more), chaintest.Document(t, "")
		save(t, s, doc, 1)
		holds(t, s, doc)
		var got string
		if err := s.pool.QueryRow(t.Context(), "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&got); err != nil || got != encrypted {
			t.Errorf("%s: encrypted is %s, want %s: %v", more, got, encrypted, err)
		}
	}
	says(t, "unknown certificate", p.openError(`{"sslmode":"verify-full"}`), passing, "certificate", "sslmode")
	says(t, "another name", p.openError(fmt.Sprintf(`{"host":"localhost","sslrootcert":%q}`, cert)), passing, "certificate", "localhost")
	says(t, "no certificate in the file", p.openError(fmt.Sprintf(`{"sslrootcert":%q}`, key)), passing, "sslrootcert")
}

// certificate writes the files of a certificate for 127.0.0.1.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	web.Close()
	pair := web.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, keyFile: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// rights: what a role may do decides what works, and Open says what it may not.
func rights(t *testing.T, server *testserver.Process) {
	p := newPlace(t, testserver.PostgresURL(server))
	p.exec(`CREATE ROLE reader LOGIN PASSWORD 'r'; CREATE ROLE writer LOGIN PASSWORD 'w'; CREATE ROLE owner LOGIN PASSWORD 'o'; GRANT CREATE ON SCHEMA public TO owner`)
	const reader, writer, owner = `{"user":"reader","password":"r"}`, `{"user":"writer","password":"w"}`, `{"user":"owner","password":"o"}`
	says(t, "no table, and no right to make one", p.openError(writer), passing, `option "user"`, "42501", p.table)

	p.pythonTable()
	p.exec(`GRANT SELECT ON {table} TO reader; GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO writer`)
	says(t, "a table that it may not write", p.openError(reader), passing, `option "user"`, "42501")
	says(t, "our columns in another's table", p.openError(`{"user":"writer","password":"w","keep_bytes":true}`), passing, `option "keep_bytes"`, "owner")
	s, doc := p.open(writer), chaintest.Document(t, `,"x":1e2`)
	save(t, s, doc, 1)
	if got, err := s.Get(t.Context(), doc.ID()); err != nil || !strings.Contains(string(got.Bytes()), `"x": 100`) {
		t.Errorf("get = %v, %v", got, err)
	}

	p.exec(`ALTER TABLE {table} OWNER TO owner; GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO writer`)
	p.open(owner)
	if s.table.Load().exact {
		t.Error("the columns are seen before anybody looked")
	}
	seen := *s.table.Load()
	if wait := time.Until(seen.recheck); wait < 9*time.Minute || wait > recheckAfter {
		t.Errorf("the table is looked at again in %s, want %s", wait, recheckAfter)
	}
	seen.recheck = time.Now()
	s.table.Store(&seen)
	save(t, s, doc, 1)
	holds(t, s, doc)
	if at := s.table.Load().recheck; !at.IsZero() {
		t.Errorf("a table that has all is looked at again at %s", at)
	}
	if err := s.Delete(t.Context(), doc.ID()); err != nil {
		t.Error(err)
	}

	p.exec(`REVOKE UPDATE ON {table} FROM writer`)
	says(t, "a right that was taken", s.Save(t.Context(), doc, 1), passing, `option "user"`, doc.ID().String())
	p.exec(`DROP TABLE {table}`)
	s = p.open(owner)
	save(t, s, doc, 1)
	holds(t, s, doc)
}

// refusedRows: a constraint or a trigger refuses one vCon; a server that takes no writes refuses all.
func refusedRows(t *testing.T, server *testserver.Process) {
	p := newPlace(t, testserver.PostgresURL(server))
	s, old, id := p.open(""), chaintest.Document(t, ""), vcon.NewID("postgres.example")
	save(t, s, old, 1)
	p.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no %', NEW.vcon_json; END $$`)
	for ddl, c := range map[[2]string]struct {
		permanent bool
		word      string
	}{
		{`ALTER TABLE {table} ADD CONSTRAINT short CHECK (length(subject) < 5)`, `ALTER TABLE {table} DROP CONSTRAINT short`}:                                              {permanently, `constraint "short"`},
		{`CREATE UNIQUE INDEX one ON {table} (vcon)`, `DROP INDEX one`}:                                                                                                    {permanently, `constraint "one"`},
		{`CREATE TRIGGER no BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()`, `DROP TRIGGER no ON {table}`}:                                                {permanently, "trigger"},
		{`ALTER TABLE {table} ALTER subject TYPE VARCHAR(5)`, `ALTER TABLE {table} ALTER subject TYPE TEXT`}:                                                               {permanently, "22001"},
		{`ALTER TABLE {table} RENAME subject TO topic`, `ALTER TABLE {table} RENAME topic TO subject`}:                                                                     {passing, "no column subject"},
		{`ALTER DATABASE postgres SET default_transaction_read_only = on`, `SET transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only`}: {passing, "standby"},
	} {
		p.exec(ddl[0])
		s.pool.Reset()
		says(t, ddl[0], s.Save(t.Context(), chaintest.Text(t, id, `,"subject":"secret words"`), 2), c.permanent, id.String(), p.table, c.word)
		p.exec(ddl[1])
		s.pool.Reset()
	}
	holds(t, s, old)
	if _, err := s.Get(t.Context(), id); !errors.Is(err, chain.ErrNotStored) {
		t.Errorf("get of what was refused = %v, want ErrNotStored", err)
	}
}

// encoding: a database that lacks characters keeps the bytes, where the subject does not need them.
func encoding(t *testing.T, server *testserver.Process) {
	newPlace(t, testserver.PostgresURL(server)).exec(`CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
	p := newPlace(t, strings.TrimSuffix(testserver.PostgresURL(server), "/postgres")+"/latin?client_encoding=UTF8")
	s := p.open("")
	for extra, want := range map[string]string{`,"subject":"Grüße"`: `"Grüße"`, `,"x":"你好"`: "NULL"} {
		doc := chaintest.Document(t, extra)
		save(t, s, doc, 1)
		holds(t, s, doc)
		if got := p.column("vcon_json->'subject'", doc.ID()); got != want {
			t.Errorf("%s: %s, want %s", extra, got, want)
		}
		if got := p.column("subject", doc.ID()); got != strings.Trim(want, `"`) {
			t.Errorf("%s: subject is %q, want %s", extra, got, want)
		}
	}
	says(t, "subject", s.Save(t.Context(), chaintest.Document(t, `,"subject":"你好 secret words"`), 1), permanently, "22P05")
}

// serverLimits: a statement that the server gives up may be tried again, and takes no connection with it; neither does a
// connection too many.
func serverLimits(t *testing.T, server *testserver.Process) {
	p := newPlace(t, testserver.PostgresURL(server))
	p.exec(`CREATE ROLE limited LOGIN SUPERUSER PASSWORD 'l' CONNECTION LIMIT 1; ALTER ROLE limited SET statement_timeout = '100ms'`)
	const limited = `{"user":"limited","password":"l"}`
	s, doc := p.open(limited), chaintest.Document(t, "")
	locked := p.lock("EXCLUSIVE")
	pid := func() (n int) {
		if err := s.pool.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	before := pid()
	says(t, "statement timeout", s.Save(t.Context(), doc, 1), passing, doc.ID().String(), "57014")
	if after := pid(); after != before {
		t.Errorf("session %d became %d", before, after)
	}
	if err := locked.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	save(t, s, doc, 1)
	p.exec(`ALTER ROLE limited NOSUPERUSER; ALTER TABLE {table} OWNER TO limited`)
	says(t, "one connection too many", p.openError(limited), passing, `"pool_size"`, "53300")
}

// TestLocked: a save that waits for another's lock ends with its time, and is not done later.
func TestLocked(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	s, id := p.open(`{"pool_size":1}`), vcon.NewID("postgres.example")
	old := chaintest.Text(t, id, "")
	save(t, s, old, 1)
	locked := p.lock("EXCLUSIVE")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := s.Save(ctx, chaintest.Text(t, id, `,"n":2`), 2)
	says(t, "locked", err, passing, id.String(), "deadline")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is no deadline: %v", err)
	}
	until(t, func() bool {
		return p.text(`SELECT count(*)::text FROM pg_locks WHERE relation = to_regclass($1) AND NOT granted`, p.quoted()) == "0"
	})
	if err := locked.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	holds(t, s, old)
	save(t, s, chaintest.Text(t, id, `,"n":3`), 3)
}

// lock locks the table until the transaction ends.
func (p *place) lock(mode string) pgx.Tx {
	p.t.Helper()
	tx, err := p.sql.Begin(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { tx.Rollback(context.Background()) })
	if _, err := tx.Exec(p.t.Context(), "LOCK TABLE "+p.quoted()+" IN "+mode+" MODE"); err != nil {
		p.t.Fatal(err)
	}
	return tx
}

// until waits until something is so.
func until(t *testing.T, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !so(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("it is not so after a minute")
		}
	}
}

// TestBusyTable: a table that cannot be changed now is used as it is, and looked at again.
func TestBusyTable(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	p.pythonTable()
	locked := p.lock("ACCESS SHARE") // as a dump does
	s, doc := p.open(""), chaintest.Document(t, "")
	if got := s.table.Load(); got.exact || got.recheck.IsZero() {
		t.Errorf("the table is taken for %+v", got)
	}
	save(t, s, doc, 1)
	says(t, "must be exact", p.openError(`{"keep_bytes":"true"}`), passing, "keep_bytes", "lock timeout")
	if err := locked.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	if !p.open("").table.Load().exact {
		t.Error("the free table is not changed")
	}
}

// TestNetwork: cut and slow connections; what was there stays there, whole.
func TestNetwork(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	net := testserver.NewProxy(t, p.at.Host)
	s, id := p.open(through(net.Addr())), vcon.NewID("postgres.example")
	old, large := chaintest.Text(t, id, ""), chaintest.Text(t, id, `,"x":"`+long(8<<20)+`"`)
	save(t, s, old, 1)
	net.CutRequests(1 << 20)
	says(t, "cut save", s.Save(t.Context(), large, 2), passing, id.String(), net.Addr())
	net.Up()
	holds(t, s, old)
	save(t, s, large, 2)
	holds(t, s, large)
	net.CutAnswers(1 << 20)
	_, err := s.Get(t.Context(), id)
	says(t, "cut read", err, passing, id.String(), net.Addr())
	if errors.Is(err, chain.ErrNotStored) {
		t.Error("a cut read is taken for a vCon that is not there")
	}
	net.Up()
	net.Down()
	says(t, "no network", s.Save(t.Context(), old, 3), passing, id.String(), net.Addr())
	net.Up()
	holds(t, s, large)

	net.Delay(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	says(t, "slow network", s.Save(ctx, old, 3), passing, id.String(), net.Addr())
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the save ended after %s, its time was 50 ms", took)
	}
	says(t, "slow open", p.openError(`{"connect_timeout":0.1,`+through(net.Addr())[1:]), passing, net.Addr())
}

// TestRestart: a storage outlives its server, killed or restarted, and the vCons too.
func TestRestart(t *testing.T) {
	t.Parallel()
	server := testserver.StartPostgres(t)
	p := newPlace(t, testserver.PostgresURL(server))
	s := p.open("")
	guarded := chain.NewGuarded("archive", s, chain.Guard{})
	for _, end := range []func() error{server.Kill, server.Stop} {
		before, after := chaintest.Document(t, ""), chaintest.Document(t, "")
		save(t, s, before, 1)
		if err := end(); err != nil {
			t.Fatal(err)
		}
		var down error
		until(t, func() bool { down = s.Save(t.Context(), after, 1); return down != nil }) // sessions outlive a kill for a moment
		says(t, "while the server is down", down, passing, server.Addr())
		until(t, func() bool { return server.Start() == nil }) // and keep a new server from starting
		if err := guarded.Save(t.Context(), after, 1, nil); err != nil {
			t.Fatal(err)
		}
		holds(t, s, before)
		holds(t, s, after)
	}
}

// endedSessions: connections that an administrator ends are replaced, all of them once one is seen to be broken.
func endedSessions(t *testing.T, server *testserver.Process) {
	p := newPlace(t, testserver.PostgresURL(server))
	s, doc := p.open(`{"pool_size":4}`), chaintest.Document(t, "")
	var all []*pgxpool.Conn
	for range 4 {
		c, err := s.pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for _, c := range all {
		c.Release()
	}
	p.exec(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'vconduit'`)
	says(t, "ended", s.Save(t.Context(), doc, 1), passing, doc.ID().String())
	save(t, s, doc, 1)
}

// socket: the folder of a socket is a host.
func socket(t *testing.T, server *testserver.Process) {
	p := newPlace(t, testserver.PostgresURL(server))
	s, doc := p.open(fmt.Sprintf(`{"host":%q}`, filepath.Join(server.Dir, "data"))), chaintest.Document(t, "")
	save(t, s, doc, 1)
	holds(t, s, doc)
}

// TestCloseWithCallUnderWay: a call that gets no answer does not keep Close for ever.
func TestCloseWithCallUnderWay(t *testing.T) {
	t.Parallel()
	p := newPlace(t, testserver.Postgres(t))
	net := testserver.NewProxy(t, p.at.Host)
	s := p.open(through(net.Addr()))
	net.Delay(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	saved := make(chan error)
	go func() { saved <- s.Save(ctx, chaintest.Document(t, ""), 1) }()
	until(t, func() bool { return s.pool.Stat().AcquiredConns() == 1 })
	begin := time.Now()
	if err := s.Close(); err != nil || time.Since(begin) > 2*closeWithin {
		t.Errorf("close = %v after %s", err, time.Since(begin))
	}
	cancel()
	if err := <-saved; err == nil {
		t.Error("a save through a closed storage succeeded")
	}
}
