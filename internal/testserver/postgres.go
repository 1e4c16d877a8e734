//go:build unix

package testserver

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/vconduit/vconduit/internal/testenv"
)

// PostgresPassword is that of the superuser "postgres" of the servers that are started here.
const PostgresPassword = "test'pass\\word"

var postgres Shared[*Process]

// Postgres is the URL of a database on a real server: VCONDUIT_TEST_POSTGRES_URL, else one that is started once for all
// tests of the process, without fsync and far from UTC. Tests use tables of their own in it.
func Postgres(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("VCONDUIT_TEST_POSTGRES_URL"); url != "" {
		return url
	}
	bin := postgresPrograms(t)
	p := postgres.Get(t, func() (*Process, error) {
		return New(postgresCommand(bin, "fsync=off", "max_connections=400", "timezone=America/New_York"))
	})
	p.ShowOnFailure(t)
	return PostgresURL(p)
}

// StartPostgres starts a server that the test has for itself, with settings such as "fsync=off", for tests that stop it
// or change its roles.
func StartPostgres(t testing.TB, settings ...string) *Process {
	t.Helper()
	p, err := New(postgresCommand(postgresPrograms(t), settings...))
	if err != nil {
		t.Fatal(err)
	}
	p.CloseAfter(t)
	return p
}

// PostgresURL is the URL of the database "postgres" of a server that was started here, for its superuser.
func PostgresURL(p *Process) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", PostgresPassword), Host: p.Addr(), Path: "/postgres"}
	return u.String()
}

// postgresPrograms is the folder of the server's programs: Debian keeps them out of PATH.
func postgresPrograms(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		t.Fatal(err)
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = []string{path}
		}
	}
	if len(found) == 0 {
		testenv.Missing(t, "postgres", "apt-get install postgresql")
	}
	return filepath.Dir(slices.Max(found))
}

func postgresCommand(bin string, settings ...string) Command {
	data := func(p *Process) string { return filepath.Join(p.Dir, "data") }
	return Command{
		Name: "postgres", User: "postgres", Signal: syscall.SIGINT, // "fast": does not wait for clients
		Setup: func(ctx context.Context, p *Process) error {
			password := filepath.Join(p.Dir, "password")
			if err := os.WriteFile(password, []byte(PostgresPassword), 0o644); err != nil {
				return err
			}
			return p.Run(ctx, filepath.Join(bin, "initdb"), "-D", data(p), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password,
				"--no-sync", "-E", "UTF8", "--locale=C")
		},
		Args: func(p *Process) []string {
			args := []string{filepath.Join(bin, "postgres"), "-D", data(p), "-p", p.portText(),
				"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}
			for _, s := range settings {
				args = append(args, "-c", s)
			}
			return args
		},
		Ready: func(ctx context.Context, p *Process) error {
			return p.Run(ctx, filepath.Join(bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", p.portText())
		},
	}
}
