package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Search gives the ids that match all terms, newest first as List has them. With a text it first has the index brought
// up to date, for at most two seconds; what is not read by then is missing, and the error says so.
func (s *Store) Search(ctx context.Context, t queue.Terms) (ids []vcon.ID, err error) {
	q, err := s.hunt(t)
	if err != nil {
		return nil, fmt.Errorf("search vcons: %w", err)
	}
	if len(q.where) == huntAlways {
		return nil, s.openErr()
	}
	var behind error
	if t.Text != "" {
		if behind = s.catchUp(ctx); behind != nil && !errors.Is(behind, queue.ErrBehind) {
			return nil, fmt.Errorf("search vcons: %w", behind)
		}
	}
	err = s.read(ctx, func(c *conn) error {
		return c.query(func(v []driver.Value) error {
			var id vcon.ID
			copy(id[:], asBlob(v[0]))
			ids = append(ids, id)
			return nil
		}, q.sql(), q.args...)
	})
	if err != nil {
		return nil, fmt.Errorf("search vcons: %w", err)
	}
	return ids, behind
}

// hunt is a search as SQL. ?1 is now.
type hunt struct {
	from  string
	where []string
	args  []any
}

// huntAlways is how many conditions every search has.
const huntAlways = 2

func (s *Store) hunt(t queue.Terms) (*hunt, error) {
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !t.Since.IsZero() {
		since = t.Since.Unix()
	}
	if !t.Until.IsZero() {
		until = t.Until.Unix()
	}
	limit := int64(math.MaxInt64)
	if t.Limit > 0 {
		limit = int64(t.Limit)
	}
	q := &hunt{args: []any{s.now(), since, until, limit, int64(max(t.Offset, 0))},
		where: []string{alive, `created BETWEEN ?2 AND ?3`}}
	if t.Text != "" {
		phrases, err := queue.ParseQuery(t.Text)
		if err != nil {
			return nil, err
		}
		q.from = `words JOIN doc ON doc.id=words.rowid`
		q.add(`words MATCH ?%d`, match(phrases))
		q.where = append(q.where, `NOT EXISTS(SELECT 1 FROM unread u WHERE u.doc=doc.id)`)
	}
	for _, term := range [...]struct{ field, value string }{{"tel", t.Tel}, {"mailto", t.Mailto}, {"name", t.Name}} {
		switch {
		case term.value == "":
		case q.from == "":
			q.from = `party JOIN doc ON doc.id=party.doc`
			q.add(`party.value=?%d`, termKey(term.field, term.value))
		default:
			q.add(`EXISTS(SELECT 1 FROM party p WHERE p.value=?%d AND p.doc=doc.id)`, termKey(term.field, term.value))
		}
	}
	return q, nil
}

// add adds a condition on a value.
func (q *hunt) add(condition, value string) {
	q.args = append(q.args, value)
	q.where = append(q.where, fmt.Sprintf(condition, len(q.args)))
}

func (q *hunt) sql() string {
	return `SELECT uuid FROM ` + q.from + ` WHERE ` + strings.Join(q.where, ` AND `) +
		` ORDER BY created DESC, uuid DESC LIMIT ?4 OFFSET ?5`
}

// match is a query in the language of FTS5. Every word stands in quotes and holds neither quote nor operator, by what
// ParseQuery gives.
func match(phrases []queue.Phrase) string {
	var wanted, not []string
	for _, p := range phrases {
		text := `"` + strings.Join(p.Words, " ") + `"`
		if p.Prefix {
			text += "*"
		}
		if p.Not {
			not = append(not, text)
		} else {
			wanted = append(wanted, text)
		}
	}
	all := strings.Join(wanted, " AND ")
	if len(not) > 0 {
		all = "(" + all + ") NOT (" + strings.Join(not, " OR ") + ")"
	}
	return all
}
