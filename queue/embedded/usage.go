package embedded

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// usageFormat adds the counts of submissions: day is in days since 1970 (UTC), list "" for those that named none.
const usageFormat = `
CREATE TABLE usage(day INT NOT NULL, principal TEXT NOT NULL, list TEXT NOT NULL, vcons INT NOT NULL, bytes INT NOT NULL,
	duplicates INT NOT NULL, PRIMARY KEY(day, principal, list)) WITHOUT ROWID;
`

const dayMS = int64(24 * time.Hour / time.Millisecond)

// afford refuses a submission above its quota, unless it is a retry, which costs nothing. It writes nothing.
func (t *tx) afford(p *paper) error {
	if p.by == "" || p.quota <= 0 {
		return nil
	}
	var used int64
	if _, err := t.one(func(v []driver.Value) { used = asInt(v[0]) },
		`SELECT coalesce(sum(vcons), 0) FROM usage WHERE day=? AND principal=?`, t.now/dayMS, p.by); err != nil {
		return err
	}
	if used+p.price() <= p.quota {
		return nil
	}
	old, err := t.row(p.id)
	if err != nil {
		return err
	}
	if old != nil && old.live(t.now) && p.repeats(old, t.now) {
		return nil
	}
	return queue.ErrQuota
}

// price is what a submission counts: one for each list that it names.
func (p *paper) price() int64 { return max(int64(len(p.lists)), 1) }

// charge counts a submission.
func (t *tx) charge(p *paper, r queue.Receipt) error {
	if p.by == "" {
		return nil
	}
	lists := p.lists
	if len(lists) == 0 {
		lists = []string{""}
	}
	stored, again := int64(1), int64(0)
	if r.Duplicate {
		stored, again = 0, 1
	}
	for _, list := range lists {
		if _, err := t.exec(`INSERT INTO usage(day, principal, list, vcons, bytes, duplicates) VALUES(?,?,?,?,?,?)
			ON CONFLICT(day, principal, list) DO UPDATE SET vcons=vcons+excluded.vcons, bytes=bytes+excluded.bytes,
			duplicates=duplicates+excluded.duplicates`, t.now/dayMS, p.by, list, stored, stored*int64(len(p.text)), again); err != nil {
			return err
		}
	}
	return t.dropOldUsage()
}

// dropOldUsage forgets what is older than queue.UsageDays, once a day.
func (t *tx) dropOldUsage() error {
	day, was := t.now/dayMS, t.s.usageDay
	if day == was {
		return nil
	}
	t.s.usageDay = day
	t.undoing(func() { t.s.usageDay = was })
	_, err := t.exec(`DELETE FROM usage WHERE day<?`, day-queue.UsageDays)
	return err
}

// Usage gives the counts that fit, by day, principal and list.
func (s *Store) Usage(ctx context.Context, f queue.UsageFilter) (all []queue.Usage, err error) {
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !f.From.IsZero() {
		from = f.From.UTC().Unix() / int64(24*60*60)
	}
	if !f.To.IsZero() {
		to = f.To.UTC().Unix() / int64(24*60*60)
	}
	err = s.read(ctx, func(c *conn) error {
		return c.query(func(v []driver.Value) error {
			all = append(all, queue.Usage{Day: time.UnixMilli(asInt(v[0]) * dayMS).UTC(), Principal: asText(v[1]), List: asText(v[2]),
				VCons: asInt(v[3]), Bytes: asInt(v[4]), Duplicates: asInt(v[5])})
			return nil
		}, `SELECT day, principal, list, vcons, bytes, duplicates FROM usage WHERE day BETWEEN ?1 AND ?2
			AND (?3='' OR principal=?3) AND (?4='' OR list=?4) ORDER BY day, principal, list`, from, to, f.Principal, f.List)
	})
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return all, nil
}
