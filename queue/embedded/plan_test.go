package embedded

import (
	"database/sql/driver"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/queue"
)

// TestNoStatementWalksATable reads SQLite's plan of every statement that the crash script makes: none walks a table
// that grows with what is stored, nor sorts one (Q23).
func TestNoStatementWalksATable(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir(), Options{})
	defer s.Close()
	c := &scene{s: s, held: map[string]*queue.Lease{}}
	for _, a := range script() {
		if a.name == "reindex" {
			continue // it walks all documents; that is what it is for
		}
		if err := a.do(c); err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
	}
	err := s.do(background, 0, func(tx *tx) error { return walks(t, tx.c) })
	if err != nil {
		t.Fatal(err)
	}
}

func walks(t *testing.T, c *conn) error {
	t.Helper()
	var queries []string
	for q := range c.stmts {
		if regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)`).MatchString(q) {
			queries = append(queries, q)
		}
	}
	if len(queries) < 20 {
		t.Fatalf("the script made %d statements", len(queries))
	}
	slices.Sort(queries)
	for _, q := range queries {
		args := make([]any, strings.Count(q, "?"))
		err := c.query(func(row []driver.Value) error {
			if step := asText(row[3]); walk.MatchString(step) && !byRow.MatchString(step) && !bounded(q) {
				t.Errorf("%s\n\tin %s", step, q)
			}
			return nil
		}, "EXPLAIN QUERY PLAN "+q, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

var walk = regexp.MustCompile(`^SCAN |TEMP B-TREE`)

// byRow is how SQLite writes that it looks one row of the text index up.
var byRow = regexp.MustCompile(`^SCAN words VIRTUAL TABLE INDEX 0:=$`)

// bounded reports statements that walk what does not grow with the number of vCons (the lists), or one row of it.
func bounded(q string) bool {
	return strings.HasSuffix(q, "FROM list") || strings.HasSuffix(q, "LIMIT 1")
}
