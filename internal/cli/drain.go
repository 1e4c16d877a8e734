package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/vconduit/vconduit/queue"
)

func drainCommand() command {
	return command{
		name:  "drain",
		short: "stop working and put everything under way back on its list",
		long: "The way back to another program: nothing is leased any more, what is running gets server.drain to finish, delayed and\n" +
			"leased ids return to the head of their lists, and what links had done goes into the documents. Dead letters stay.\n" +
			"The server goes on to take vCons but works none until it is started again; it then goes on where it stopped.\n" +
			"--to also hands every list over, oldest first: each vCon is posted to that server, which may be vcon-server, and leaves\n" +
			"the list here once it was taken. Safe to repeat; what was interrupted may arrive twice.",
		examples: []string{
			"vconduit drain --to-lists",
			"vconduit drain --to-lists --to http://old-server:8000/api --to-token $CONSERVER_API_TOKEN",
			"vconduit drain --to-lists --json",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r := remoteFlags(fs, io)
			toLists := fs.Bool("to-lists", false, "put everything back on its list: required, as it says what happens")
			to := fs.String("to", "", "hand all lists over to the server at this `URL`")
			token := fs.String("to-token", "", "API `token` of that server (default: CONSERVER_API_TOKEN)")
			return func(ctx context.Context, words []string) error {
				switch {
				case len(words) > 0:
					return usagef("unexpected %q", words[0])
				case !*toLists:
					return usagef("say --to-lists: the server stops working")
				}
				target, err := targetServer(io, *to, *token)
				if err != nil {
					return err
				}
				return withClient(ctx, r, func(c *client) error { return drain(ctx, r, c, target) })
			}
		},
	}
}

// targetServer is the server of --to; nil without one.
func targetServer(io IO, to, token string) (*client, error) {
	if to == "" {
		return nil, nil
	}
	r := remote{server: to, token: token, io: io}
	c, err := r.open(context.Background())
	if err != nil {
		return nil, usagef("--to: want http://HOST[:PORT] or https://HOST[:PORT]")
	}
	return c, nil
}

func drain(ctx context.Context, r *remote, c, to *client) error {
	var lists map[string]queue.Depth
	if err := c.get(ctx, request{method: http.MethodPost, path: "/drain"}, &lists); err != nil {
		return err
	}
	sent := map[string]int{}
	var problem error
	if to != nil {
		sent, problem = handOver(ctx, r, c, to, lists)
	}
	return errors.Join(printDrained(r, lists, sent), problem)
}

// handOver posts what each list holds to another server. Lists of our own (deletions and saves that are owed) stay.
func handOver(ctx context.Context, r *remote, c, to *client, lists map[string]queue.Depth) (map[string]int, error) {
	sent, total := map[string]int{}, 0
	var names []string
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		if queue.CheckListName(name) == nil && lists[name].Ready > 0 {
			names, total = append(names, name), total+int(lists[name].Ready)
		}
	}
	bar := newProgress(r.io, "handed over", total)
	defer bar.end()
	for _, name := range names {
		n, err := handOverList(ctx, c, to, name, bar)
		sent[name] = n
		if err != nil {
			return sent, fmt.Errorf("hand over list %q after %d vCons: %w", name, n, err)
		}
	}
	return sent, nil
}

// handBatch ids are taken at once: they are on loan for a minute.
const handBatch = 20

// loaned is an id on loan, as the API gives it.
type loaned struct {
	UUID  string `json:"uuid"`
	Token string `json:"token"`
}

// handOverList empties one list. An id without document stays: it is on loan until the end, then back on its list.
func handOverList(ctx context.Context, c, to *client, name string, bar *progress) (n int, err error) {
	query := url.Values{"egress_list": {name}, "limit": {fmt.Sprint(handBatch)}, "ack": {"true"}}
	for {
		var held []loaned
		if err := c.get(ctx, request{method: http.MethodGet, path: "/vcon/egress", query: query}, &held); err != nil || len(held) == 0 {
			return n, err
		}
		taken, err := handOverBatch(ctx, c, to, name, held, bar)
		if len(taken) > 0 {
			if err := acknowledge(ctx, c, name, taken); err != nil {
				return n, err
			}
		}
		n += len(taken)
		if err != nil {
			return n, err
		}
	}
}

func handOverBatch(ctx context.Context, c, to *client, name string, held []loaned, bar *progress) (taken []loaned, err error) {
	for _, h := range held {
		doc, err := c.send(ctx, request{method: http.MethodGet, path: "/vcon/" + h.UUID})
		switch {
		case err != nil:
			return taken, err
		case doc.status == http.StatusNotFound:
			bar.say("%s: %s has no document and stays on its list", name, h.UUID)
			continue
		case doc.status != http.StatusOK:
			return taken, doc.err()
		}
		rep, err := to.send(ctx, request{method: http.MethodPost, path: "/vcon", query: url.Values{"ingress_lists": {name}}, body: doc.body})
		if err != nil {
			return taken, err
		}
		if rep.status >= 300 {
			return taken, fmt.Errorf("vCon %s: %w", h.UUID, rep.err())
		}
		taken = append(taken, h)
		bar.step()
	}
	return taken, nil
}

func acknowledge(ctx context.Context, c *client, name string, taken []loaned) error {
	body, err := json.Marshal(taken)
	if err != nil {
		return err
	}
	var n int
	return c.get(ctx, request{method: http.MethodPost, path: "/vcon/egress/ack", query: url.Values{"egress_list": {name}}, body: body}, &n)
}

// drained is one list of the answer.
type drained struct {
	List    string `json:"list"`
	Waiting int64  `json:"waiting"` // when the drain was done
	Dead    int64  `json:"dead"`
	Sent    int    `json:"handed_over"`
}

func printDrained(r *remote, lists map[string]queue.Depth, sent map[string]int) error {
	out := []drained{}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		if d := lists[name]; d != (queue.Depth{}) && !strings.HasPrefix(name, queue.StoragePrefix) {
			out = append(out, drained{name, d.Ready, d.Dead, sent[name]})
		}
	}
	if r.json {
		return json.NewEncoder(r.io.Out).Encode(out)
	}
	w := tabwriter.NewWriter(r.io.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LIST\tWAITING\tDEAD\tHANDED OVER")
	for _, d := range out {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", d.List, d.Waiting, d.Dead, d.Sent)
	}
	return w.Flush()
}
