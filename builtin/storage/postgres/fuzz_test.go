package postgres

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// FuzzSave saves whatever is a vCon, and reads it back: the same bytes, and vcon_json as JSONB or none. A table without
// our columns holds the same values, or refuses the document.
func FuzzSave(f *testing.F) {
	for _, seed := range []string{
		`"subject":"x"`, `"x":"\u0000\ud800\udc00\udc00"`, `"x":1.50e-3,"x":-0`, `"a\\u0000":[{"":[[]]}]`, `"x":1e99999`, `"created_at":"2026-03-05"`,
		`"subject":"\u0000\ud83d","vcon":7`, `"x":"\\\ud83d\\"`, `"created_at":"99999-01-01T00:00:00Z"`,
	} {
		f.Add(seed)
	}
	p := newPlace(f, testserver.Postgres(f))
	s, id := p.open(""), vcon.NewID("postgres.example")
	plain := newPlace(f, testserver.Postgres(f))
	never := plain.open(`{"keep_bytes":false}`)
	f.Fuzz(func(t *testing.T, members string) {
		doc, err := vcon.Parse(fmt.Appendf(nil, `{"uuid":%q,%s}`, id, members))
		if err != nil || doc.ID() != id {
			return
		}
		save(t, s, doc, 1)
		holds(t, s, doc)
		if err := never.Save(t.Context(), doc, 1); err != nil {
			if !chain.IsPermanent(err) {
				t.Error(err)
			}
			return
		}
		if _, err := never.Get(t.Context(), id); err != nil {
			t.Error(err)
		}
	})
}

// FuzzRepresentable: what comes out is JSON of the same length that says the same but for what PostgreSQL refuses.
func FuzzRepresentable(f *testing.F) {
	for _, seed := range []string{`"\u0000"`, `"\\u0000"`, `"\ud83d\ude00"`, `"\ude00\ud83d"`, `"\ud83d\n"`, `"\uD83D\u0041"`, `"\ud83d\ud83d\ude00"`, `{"\u0000":"\""}`, `\u`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		got, changed := representable(text)
		if !bytes.Equal(text, before) || len(got) != len(text) || changed == bytes.Equal(got, text) {
			t.Fatalf("%q becomes %q, changed %v", before, got, changed)
		}
		var a, b any
		if json.Unmarshal(text, &a) != nil {
			return
		}
		if err := json.Unmarshal(got, &b); err != nil {
			t.Fatalf("%q becomes %q: %v", text, got, err)
		}
		// encoding/json reads a lone surrogate as U+FFFD.
		if want := strings.ReplaceAll(fmt.Sprint(a), "\x00", "\uFFFD"); fmt.Sprint(b) != want {
			t.Errorf("%q becomes %q", text, got)
		}
		if again, changed := representable(got); changed {
			t.Errorf("%q becomes %q, and that %q", text, got, again)
		}
	})
}

// FuzzConnString: each option reaches the driver as it was written, whatever is in it.
func FuzzConnString(f *testing.F) {
	f.Add("localhost", "postgres", "vcon_db")
	f.Add("/run/postgresql", `o'brien\`, "a b")
	f.Add(",", "0", "0")
	f.Add("a,b", "x' host='evil", `\'`)
	f.Add("::1", "\n", "=")
	f.Fuzz(func(t *testing.T, host, user, database string) {
		raw, err := json.Marshal(map[string]string{"host": host, "user": user, "database": database, "sslmode": "disable"})
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := readConfig(raw)
		if err != nil {
			return
		}
		got, err := pgx.ParseConfig(c.connString())
		if err != nil {
			t.Fatalf("%s: %v", c.connString(), err)
		}
		first, _, _ := strings.Cut(c.Host, ",")
		if got.Host != first || got.User != c.User || got.Database != c.Database || got.TLSConfig != nil {
			t.Errorf("%q, %q, %q become %q, %q, %q", c.Host, c.User, c.Database, got.Host, got.User, got.Database)
		}
	})
}
