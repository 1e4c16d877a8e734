//go:build unix

package testserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPostgres(t *testing.T) {
	t.Parallel()
	if os.Getenv("VCONDUIT_TEST_POSTGRES_URL") == "" {
		if got := Postgres(t); got != Postgres(t) {
			t.Errorf("the second test gets another server than %s", got)
		}
	}
	p := StartPostgres(t, "fsync=off", "max_connections=7")
	psql := filepath.Join(postgresPrograms(t), "psql")
	ask := func(url string) error {
		return p.Run(t.Context(), psql, url, "-c", "DO $$ BEGIN ASSERT current_setting('max_connections') = '7'; END $$")
	}
	if err := ask(PostgresURL(p)); err != nil {
		t.Error(err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if err := ask(PostgresURL(p)); err != nil {
		t.Error(err)
	}
	if err := ask(strings.Replace(PostgresURL(p), ":test", ":wrong", 1)); err == nil || !strings.Contains(err.Error(), "password authentication failed") {
		t.Errorf("with a wrong password: %v", err)
	}
}
