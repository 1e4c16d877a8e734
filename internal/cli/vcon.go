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

	"github.com/vconduit/vconduit/vcon"
)

func submitCommand() command {
	return command{
		name: "vcon submit", args: "FILE... --list L",
		short: "post vCon files to an ingress list",
		long: "With --key it posts as a partner does (/vcon/external-ingress), else with the server's token (/vcon).\n" +
			"A file that was posted before, byte for byte, is not queued twice under the same --idempotency-key, nor, with\n" +
			"--key, within queue.dedupe; so the command can be repeated after an interruption. FILE may be gzipped; - is\n" +
			"standard input.",
		examples: []string{
			"vconduit vcon submit call.vcon --list customer_data",
			"vconduit vcon submit *.vcon --list customer_data --key customer-api-key-12345 --server https://vcon.example.com",
			"vconduit vcon submit - --list customer_data --idempotency-key import-7 <call.vcon",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r := remoteFlags(fs, io)
			list := fs.String("list", "", "ingress `list` (required with --key; without it the vCon is stored, not queued)")
			key := fs.String("key", "", "partner's ingress `key`")
			idem := fs.String("idempotency-key", "", "`text` that makes a repetition of this command a retry")
			return func(ctx context.Context, words []string) error {
				switch {
				case len(words) == 0:
					return usagef("no FILE given (- is standard input)")
				case *key != "" && *list == "":
					return usagef("--key needs --list")
				}
				c, err := r.open(ctx)
				if err != nil {
					return err
				}
				defer c.close()
				return submitFiles(ctx, c, r, words, request{method: http.MethodPost, key: *key, idempotency: *idem,
					path: submitPath(*key), query: listQuery(*list)})
			}
		},
	}
}

func submitPath(key string) string {
	if key != "" {
		return "/vcon/external-ingress"
	}
	return "/vcon"
}

func listQuery(list string) url.Values {
	if list == "" {
		return nil
	}
	return url.Values{"ingress_list": {list}}
}

// submitFiles posts one file after the other; a refused one does not stop the rest.
func submitFiles(ctx context.Context, c *client, r *remote, files []string, q request) error {
	bar := newProgress(r.io, "posted", len(files))
	failed := 0
	for _, name := range files {
		err := submitFile(ctx, c, r, name, q)
		if ctx.Err() != nil {
			bar.end()
			return fmt.Errorf("interrupted after %d of %d files: %w", bar.done, len(files), ctx.Err())
		}
		if err != nil {
			failed++
			bar.say("%s: %v", name, err)
		}
		bar.step()
	}
	bar.end()
	if failed > 0 {
		return fmt.Errorf("%d of %d files were not taken", failed, len(files))
	}
	return nil
}

func submitFile(ctx context.Context, c *client, r *remote, name string, q request) error {
	text, err := readDocument(name, r.io.In)
	if err != nil {
		return err
	}
	q.body = text
	rep, err := c.send(ctx, q)
	if err != nil {
		return err
	}
	if rep.status >= 300 {
		return rep.err()
	}
	if rep.warning != "" {
		fmt.Fprintf(r.io.Err, "%s: warning: %s\n", name, rep.warning)
	}
	id := ""
	if doc, err := vcon.ParseWith(text, vcon.Limits{Bytes: maxFile}); err == nil {
		id = doc.ID().String()
	}
	if r.json {
		return json.NewEncoder(r.io.Out).Encode(map[string]any{"file": name, "uuid": id, "status": rep.status})
	}
	_, err = fmt.Fprintf(r.io.Out, "%s %s\n", id, name)
	return err
}

func getCommand() command {
	return command{
		name: "vcon get", args: "UUID",
		short: "print one vCon as it is stored",
		long: "The text is printed byte for byte, from the live store or, when it is gone from there and a server runs, from a\n" +
			"storage.",
		examples: []string{
			"vconduit vcon get 019394ef-7d0a-8c3e-8caa-f24ab1a0c334",
			"vconduit vcon get 019394ef-7d0a-8c3e-8caa-f24ab1a0c334 --format-version 0.0.1 >old.vcon",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r := remoteFlags(fs, io)
			version := fs.String("format-version", "", "convert to this `version` (0.0.1)")
			return func(ctx context.Context, words []string) error {
				if len(words) != 1 {
					return usagef("want one UUID, got %d words", len(words))
				}
				id, err := vcon.ParseID(words[0])
				if err != nil {
					return usagef("%q is no uuid", words[0])
				}
				return getDocument(ctx, r, id, *version)
			}
		},
	}
}

func getDocument(ctx context.Context, r *remote, id vcon.ID, version string) error {
	var rep reply
	err := withClient(ctx, r, func(c *client) (err error) {
		rep, err = c.send(ctx, request{method: http.MethodGet, path: "/vcon/" + id.String()})
		return err
	})
	if err != nil {
		return err
	}
	if rep.status != http.StatusOK {
		return rep.err()
	}
	text := rep.body
	if version != "" {
		doc, err := vcon.ParseWith(text, vcon.Limits{Bytes: maxFile})
		if err != nil {
			return err
		}
		if doc, err = doc.Downgrade(version); err != nil {
			return usagef("--format-version: %v", err)
		}
		text = doc.Bytes()
	}
	_, err = r.io.Out.Write(text)
	return err
}

func listCommand() command {
	return command{
		name:  "vcon list",
		short: "list vCons, newest first",
		examples: []string{
			"vconduit vcon list --limit 20",
			"vconduit vcon list --since 2026-11-01 --until 2026-11-02T12:00:00Z",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r := remoteFlags(fs, io)
			since := fs.String("since", "", "created at this `time` or later")
			until := fs.String("until", "", "created at this `time` or earlier")
			limit := fs.Int("limit", 0, "at most this `number`; 0 = all")
			return func(ctx context.Context, words []string) error {
				if len(words) > 0 {
					return usagef("unexpected %q", words[0])
				}
				if *limit < 0 {
					return usagef("--limit %d: want a number from 0", *limit)
				}
				return listDocuments(ctx, r, *since, *until, *limit)
			}
		},
	}
}

// listPage is how many ids one request asks for.
const listPage = 1000

func listDocuments(ctx context.Context, r *remote, since, until string, limit int) error {
	c, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	q := url.Values{"size": {strconv.Itoa(listPage)}}
	for name, v := range map[string]string{"since": since, "until": until} {
		if v != "" {
			q.Set(name, v)
		}
	}
	all := []string{} // kept for --json alone; lines are printed page by page
	for page, left := 1, limit; ; page++ {
		q.Set("page", strconv.Itoa(page))
		var ids []string
		if err := c.get(ctx, request{method: http.MethodGet, path: "/vcon", query: q}, &ids); err != nil {
			return err
		}
		last := len(ids) < listPage || limit > 0 && len(ids) >= left
		if limit > 0 {
			ids = ids[:min(left, len(ids))]
			left -= len(ids)
		}
		if r.json {
			all = append(all, ids...)
		} else if len(ids) > 0 {
			if _, err := fmt.Fprintln(r.io.Out, strings.Join(ids, "\n")); err != nil {
				return err
			}
		}
		if last {
			break
		}
	}
	if r.json {
		return json.NewEncoder(r.io.Out).Encode(all)
	}
	return nil
}
