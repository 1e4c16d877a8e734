package s3

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/vconduit/vconduit/vcon"
)

// firstYear is the oldest that is searched; lastYear is the newest, as clocks and offsets differ.
const firstYear = 1970

func lastYear() int { return time.Now().Year() + 1 }

// parallel is how many requests one search has under way.
const parallel = 32

// search finds the dated objects of a vCon that has no pointer, newest first. It looks in the likely days, and then,
// if the options say so, in all that the bucket has; unless all are wanted, it ends with the first that has one.
func (s *Storage) search(ctx context.Context, id vcon.ID, all bool) ([]string, error) {
	found, err := s.look(ctx, likelyDays(id), id)
	if err != nil || len(found) > 0 && !all || !s.c.SearchDays {
		return found, err
	}
	days, err := s.days.get(ctx, s.listDays)
	if err != nil {
		return nil, err
	}
	return s.look(ctx, days, id)
}

// look asks which of some days have an object of a vCon; the answer has the newest object first.
func (s *Storage) look(ctx context.Context, days []string, id vcon.ID) ([]string, error) {
	modified := make([]time.Time, len(days))
	err := each(ctx, len(days), func(ctx context.Context, i int) error {
		var err error
		modified[i], err = s.modified(ctx, s.keys.object(days[i], id))
		return err
	})
	if err != nil {
		return nil, err
	}
	var found []int
	for i, t := range modified {
		if !t.IsZero() {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b int) int { return cmp.Or(modified[b].Compare(modified[a]), a-b) })
	objects := make([]string, len(found))
	for n, i := range found {
		objects[n] = s.keys.object(days[i], id)
	}
	return objects, nil
}

// listDays lists the folders of days. What lies in none is not listed: it may be a million objects.
func (s *Storage) listDays(ctx context.Context) ([]string, error) {
	years := make([]string, 0, lastYear()-firstYear+1)
	for y := lastYear(); y >= firstYear; y-- {
		years = append(years, strconv.Itoa(y))
	}
	months, err := s.listFolders(ctx, years)
	if err != nil {
		return nil, err
	}
	months = slices.DeleteFunc(months, func(m string) bool { return parseDay([]byte(m+"/01")) == "" })
	days, err := s.listFolders(ctx, months)
	return slices.DeleteFunc(days, func(d string) bool { return parseDay([]byte(d)) == "" }), err
}

// listFolders lists the folders in some folders.
func (s *Storage) listFolders(ctx context.Context, in []string) ([]string, error) {
	lists := make([][]string, len(in))
	err := each(ctx, len(in), func(ctx context.Context, i int) error {
		pages := awss3.NewListObjectsV2Paginator(s.client, &awss3.ListObjectsV2Input{
			Bucket: &s.c.Bucket, Prefix: aws.String(string(s.keys) + in[i] + "/"), Delimiter: aws.String("/"),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return s.explain(err)
			}
			for _, p := range page.CommonPrefixes {
				lists[i] = append(lists[i], strings.TrimSuffix(strings.TrimPrefix(aws.ToString(p.Prefix), string(s.keys)), "/"))
			}
		}
		return nil
	})
	return slices.Concat(lists...), err
}

// each calls do for 0 to n-1, a few at once; the first error ends it.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	turns := make(chan struct{}, parallel)
	for i := range n {
		select {
		case turns <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-turns }()
			if err := do(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// calendar remembers the days that a bucket has. Days that come later are those of servers that write pointers. Safe for
// concurrent use.
type calendar struct {
	turn chan struct{} // holds one value while nobody looks
	days []string
	at   time.Time
}

func newCalendar() *calendar {
	c := &calendar{turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// remembered is for how long.
const remembered = 10 * time.Minute

// get gives the days, listed anew when they are too old. Who comes while they are listed waits for that.
func (c *calendar) get(ctx context.Context, list func(context.Context) ([]string, error)) ([]string, error) {
	select {
	case <-c.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { c.turn <- struct{}{} }()
	if !c.at.IsZero() && time.Since(c.at) < remembered {
		return c.days, nil
	}
	days, err := list(ctx)
	if err != nil {
		return nil, err
	}
	c.days, c.at = days, time.Now()
	return days, nil
}
