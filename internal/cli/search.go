package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func searchCommand() command {
	return command{
		name: "vcon search", args: "[QUERY]",
		short: "find vCons by what they say and who took part, newest first",
		long: "QUERY is looked for in subject, parties, text dialogs, transcripts, summaries and other analyses. All words must be\n" +
			"there: \"in quotes\" next to each other, order* as the beginning of a word, -word not at all. Case and accents do\n" +
			"not count. --tel, --mailto and --name match a party exactly. Quote the QUERY for your shell; after -- it may begin\n" +
			"with a minus.",
		examples: []string{
			"vconduit vcon search refund",
			"vconduit vcon search --since 2026-11-01 -- 'order* \"not delivered\" -refund'",
			"vconduit vcon search refund --tel +15550100 --limit 20",
			"vconduit vcon search --mailto ann@example.com",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r := remoteFlags(fs, io)
			terms := map[string]*string{
				"tel":    fs.String("tel", "", "a party has this telephone `number`"),
				"mailto": fs.String("mailto", "", "a party has this mail `address`"),
				"name":   fs.String("name", "", "a party has this `name`"),
				"since":  fs.String("since", "", "created at this `time` or later"),
				"until":  fs.String("until", "", "created at this `time` or earlier"),
			}
			limit := fs.Int("limit", 0, "at most this `number`; 0 = all")
			return func(ctx context.Context, words []string) error {
				q := url.Values{}
				for name, value := range terms {
					if *value != "" {
						q.Set(name, *value)
					}
				}
				if text := strings.Join(words, " "); text != "" {
					q.Set("q", text)
				}
				switch {
				case !q.Has("q") && !q.Has("tel") && !q.Has("mailto") && !q.Has("name"):
					return usagef("nothing to look for: give a QUERY, --tel, --mailto or --name")
				case *limit < 0:
					return usagef("--limit %d: want a number from 0", *limit)
				}
				return withClient(ctx, r, func(c *client) error { return searchDocuments(ctx, c, r, q, *limit) })
			}
		},
	}
}

// searchDocuments prints page by page. New vCons push what was found to later pages: an id is printed once.
func searchDocuments(ctx context.Context, c *client, r *remote, q url.Values, limit int) error {
	seen, all := map[string]bool{}, []string{}
	q.Set("limit", strconv.Itoa(listPage))
	for page := 1; ; page++ {
		q.Set("page", strconv.Itoa(page))
		rep, err := c.send(ctx, request{method: http.MethodGet, path: "/vcons/search", query: q})
		if err != nil {
			return err
		}
		var ids []string
		if err := rep.decode(&ids); err != nil {
			return err
		}
		if rep.warning != "" && page == 1 {
			fmt.Fprintln(r.io.Err, "warning:", rep.warning)
		}
		for _, id := range ids {
			if seen[id] || limit > 0 && len(seen) == limit {
				continue
			}
			seen[id] = true
			if r.json {
				all = append(all, id)
			} else if _, err := fmt.Fprintln(r.io.Out, id); err != nil {
				return err
			}
		}
		if len(ids) < listPage || limit > 0 && len(seen) == limit {
			break
		}
	}
	if r.json {
		return json.NewEncoder(r.io.Out).Encode(all)
	}
	if len(seen) == 0 {
		fmt.Fprintln(r.io.Err, "no vCon found")
	}
	return nil
}
