package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// letter is one dead letter as the API gives it.
type letter struct {
	UUID    string     `json:"uuid"`
	List    string     `json:"ingress_list"`
	At      *time.Time `json:"at"` // nil: another program put it there
	Count   int        `json:"count"`
	Reason  string     `json:"reason"`
	Link    string     `json:"link"`
	Storage string     `json:"storage"`
	Detail  string     `json:"detail"`
	Attempt int        `json:"attempt"`
	Done    []string   `json:"done"`
	Stage   string     `json:"stage"`
}

// filter are the flags that choose dead letters.
type filter struct{ list, link, reason, since string }

func (f *filter) flags(fs *flag.FlagSet) {
	fs.StringVar(&f.list, "list", "", "ingress `list`, or storage:NAME for what a storage owes (default: all)")
	fs.StringVar(&f.link, "link", "", "failed in this `link`")
	fs.StringVar(&f.reason, "reason", "", "failed for this `reason`")
	fs.StringVar(&f.since, "since", "", "failed at this `time` or later (RFC 3339, or a duration back from now: 2h)")
}

// query is the filter as the API takes it.
func (f *filter) query() (url.Values, error) {
	q := url.Values{}
	for name, v := range map[string]string{"ingress_list": f.list, "link": f.link, "reason": f.reason} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if f.since == "" {
		return q, nil
	}
	at := f.since
	if d, err := time.ParseDuration(f.since); err == nil {
		at = time.Now().Add(-d).UTC().Format(time.RFC3339)
	} else if _, err := time.Parse(time.RFC3339, at); err != nil {
		return nil, usagef("--since %q: want 2026-11-02T09:00:00Z or a duration such as 2h", f.since)
	}
	q.Set("since", at)
	return q, nil
}

func dlqListCommand() command {
	return command{
		name:  "dlq list",
		short: "list dead letters, oldest first",
		examples: []string{
			"vconduit dlq list",
			"vconduit dlq list --list customer_data --link transcribe --since 24h",
			"vconduit dlq list --list storage:postgres --json",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r, f := remoteFlags(fs, io), &filter{}
			f.flags(fs)
			return func(ctx context.Context, words []string) error {
				if len(words) > 0 {
					return usagef("unexpected %q", words[0])
				}
				q, err := f.query()
				if err != nil {
					return err
				}
				return withClient(ctx, r, func(c *client) error { return listDead(ctx, c, r, q) })
			}
		},
	}
}

// withClient opens the server, works, and closes it.
func withClient(ctx context.Context, r *remote, do func(*client) error) error {
	c, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	return do(c)
}

// eachDead pages through dead letters.
func eachDead(ctx context.Context, c *client, q url.Values, do func(letter) error) error {
	q.Set("limit", strconv.Itoa(listPage))
	for offset := 0; ; offset += listPage {
		q.Set("offset", strconv.Itoa(offset))
		var page []letter
		if err := c.get(ctx, request{method: http.MethodGet, path: "/dlq/entries", query: q}, &page); err != nil {
			return err
		}
		for _, l := range page {
			if err := do(l); err != nil {
				return err
			}
		}
		if len(page) < listPage {
			return nil
		}
	}
}

func listDead(ctx context.Context, c *client, r *remote, q url.Values) error {
	if r.json {
		enc := json.NewEncoder(r.io.Out)
		return eachDead(ctx, c, q, func(l letter) error { return enc.Encode(l) })
	}
	w := tabwriter.NewWriter(r.io.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "UUID\tLIST\tAT\tREASON\tWHERE\tATTEMPT")
	n := 0
	err := eachDead(ctx, c, q, func(l letter) error {
		n++
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\n", l.UUID, l.List, l.when(), l.reason(), l.where(), l.Attempt)
		return err
	})
	if err != nil {
		return err
	}
	if n == 0 {
		fmt.Fprintln(r.io.Err, "no dead letters")
		return nil
	}
	return w.Flush()
}

func (l letter) when() string {
	if l.At == nil {
		return "-"
	}
	return l.At.Local().Format("2006-01-02 15:04:05")
}

func (l letter) reason() string {
	if l.Reason == "" {
		return "unknown (another program put it there)"
	}
	return l.Reason
}

func (l letter) where() string {
	switch {
	case l.Link != "":
		return "link " + l.Link
	case l.Storage != "":
		return "storage " + l.Storage
	}
	return "-"
}

func dlqShowCommand() command {
	return command{
		name: "dlq show", args: "UUID",
		short: "show everything that is known of a dead letter",
		examples: []string{
			"vconduit dlq show 019394ef-7d0a-8c3e-8caa-f24ab1a0c334",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r := remoteFlags(fs, io)
			return func(ctx context.Context, words []string) error {
				ids, err := uuids(words)
				if err != nil {
					return err
				}
				if len(ids) != 1 {
					return usagef("want one UUID, got %d", len(ids))
				}
				return withClient(ctx, r, func(c *client) error { return showDead(ctx, c, r, ids[0]) })
			}
		},
	}
}

func showDead(ctx context.Context, c *client, r *remote, id string) error {
	found := 0
	err := eachDead(ctx, c, url.Values{"vcon_uuid": {id}}, func(l letter) error {
		found++
		if r.json {
			return json.NewEncoder(r.io.Out).Encode(l)
		}
		_, err := fmt.Fprintf(r.io.Out, "vCon      %s\nlist      %s\nfailed    %s, %d time(s) on this list, attempt %d\nreason    %s\nwhere     %s\nstage     %s\ndone      %s\ndetail    %s\n",
			l.UUID, l.List, l.when(), l.Count, l.Attempt, l.reason(), l.where(), l.Stage, orDash(strings.Join(l.Done, ", ")), orDash(l.Detail))
		return err
	})
	if err == nil && found == 0 {
		err = fmt.Errorf("no dead letter of vCon %s", id)
	}
	return err
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// uuids reads words as uuids, in any form.
func uuids(words []string) ([]string, error) {
	var out []string
	for _, w := range words {
		id, err := vcon.ParseID(w)
		if err != nil {
			return nil, usagef("%q is no uuid", w)
		}
		out = append(out, id.String())
	}
	return out, nil
}

func dlqRetryCommand() command {
	return command{
		name: "dlq retry", args: "UUID... | --all --list L",
		short: "put dead letters back on their list",
		long: "From the failed link on by default: what links have done and paid for is kept. --from start runs the whole chain.\n" +
			"With --list storage:NAME the vCon is saved in that storage alone.",
		examples: []string{
			"vconduit dlq retry 019394ef-7d0a-8c3e-8caa-f24ab1a0c334",
			"vconduit dlq retry --all --list customer_data --link transcribe",
			"vconduit dlq retry --all --list customer_data --from start",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r, f := remoteFlags(fs, io), &filter{}
			f.flags(fs)
			all := fs.Bool("all", false, "every dead letter that the filters leave")
			from := fs.String("from", "failed", "where to begin: `failed` or start")
			return func(ctx context.Context, words []string) error {
				ids, err := uuids(words)
				switch {
				case err != nil:
					return err
				case *from != "failed" && *from != "start":
					return usagef("--from %q: want failed or start", *from)
				case len(ids) == 0 && (!*all || f.list == ""):
					return usagef("name UUIDs, or say --all --list L")
				case len(ids) > 0 && *all:
					return usagef("--all and UUIDs exclude each other")
				}
				q, err := f.query()
				if err != nil {
					return err
				}
				q.Set("from", *from)
				return withClient(ctx, r, func(c *client) error { return retryDead(ctx, c, r, q, ids) })
			}
		},
	}
}

// retryDead moves what is dead now. One request moves a bounded number; what fails again meanwhile is not moved again.
func retryDead(ctx context.Context, c *client, r *remote, q url.Values, ids []string) error {
	bar := newProgress(r.io, "retried", 0)
	defer bar.end()
	for part := range parts(ids) {
		lists, err := listsOf(ctx, c, q, part)
		if err != nil {
			return err
		}
		for _, list := range lists {
			if err := retryList(ctx, c, bar, list, q, part); err != nil {
				return err
			}
		}
	}
	bar.end()
	if len(ids) > 0 && bar.done == 0 {
		return errors.New("no dead letter has this uuid")
	}
	return told(r, "retried", bar.done)
}

// retryPage is how many dead letters one request moves.
const retryPage = 1000

func retryList(ctx context.Context, c *client, bar *progress, list string, q url.Values, ids []string) error {
	var dead struct {
		Depth int `json:"depth"`
	}
	err := c.get(ctx, request{method: http.MethodGet, path: "/stats/queue", query: url.Values{"list_name": {"DLQ:" + list}}}, &dead)
	if err != nil {
		return err
	}
	q.Set("ingress_list", list)
	q["vcon_uuid"] = ids
	for left := dead.Depth; left > 0; {
		count := min(left, retryPage)
		q.Set("count", strconv.Itoa(count))
		var n int
		if err := c.get(ctx, request{method: http.MethodPost, path: "/dlq/reprocess", query: q}, &n); err != nil {
			return err
		}
		bar.add(n)
		if left -= n; n < count {
			break
		}
	}
	return nil
}

// idsPage is how many uuids one request names: they stand in its URL, and servers bound that.
const idsPage = 200

// parts cuts uuids into pieces for one request each; no uuids are one piece that names none.
func parts(ids []string) iter.Seq[[]string] {
	if len(ids) == 0 {
		return slices.Values([][]string{nil})
	}
	return slices.Chunk(ids, idsPage)
}

// listsOf are the lists that hold these dead letters; the one that was named, if one was.
func listsOf(ctx context.Context, c *client, q url.Values, ids []string) ([]string, error) {
	if list := q.Get("ingress_list"); list != "" {
		return []string{list}, nil
	}
	seen := map[string]bool{}
	var lists []string
	err := eachDead(ctx, c, url.Values{"vcon_uuid": ids}, func(l letter) error {
		if !seen[l.List] {
			seen[l.List] = true
			lists = append(lists, l.List)
		}
		return nil
	})
	return lists, err
}

func told(r *remote, what string, n int) error {
	if r.json {
		return json.NewEncoder(r.io.Out).Encode(map[string]int{what: n})
	}
	_, err := fmt.Fprintf(r.io.Out, "%s: %d\n", what, n)
	return err
}

func dlqPurgeCommand() command {
	return command{
		name: "dlq purge", args: "[UUID...] --list L",
		short: "drop dead letters for good, with their documents where nothing else holds them",
		examples: []string{
			"vconduit dlq purge --list customer_data --reason document_missing",
			"vconduit dlq purge --list customer_data",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r, f := remoteFlags(fs, io), &filter{}
			f.flags(fs)
			return func(ctx context.Context, words []string) error {
				ids, err := uuids(words)
				if err != nil {
					return err
				}
				if f.list == "" {
					return usagef("--list is required: a purge cannot be undone")
				}
				q, err := f.query()
				if err != nil {
					return err
				}
				return withClient(ctx, r, func(c *client) error { return purgeDead(ctx, c, r, q, ids) })
			}
		},
	}
}

func purgeDead(ctx context.Context, c *client, r *remote, q url.Values, ids []string) error {
	purged := 0
	for part := range parts(ids) {
		q["vcon_uuid"] = part
		var n int
		if err := c.get(ctx, request{method: http.MethodPost, path: "/dlq/purge", query: q}, &n); err != nil {
			return err
		}
		purged += n
	}
	return told(r, "purged", purged)
}
