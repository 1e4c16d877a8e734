package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/vconduit/vconduit/vcon"
)

func exportCommand() command {
	return command{
		name:  "vcon export",
		short: "print vCons, one a line, oldest first",
		long: "Each line is a vCon byte for byte as the server gives it. Where one has line breaks, which in JSON can only stand\n" +
			"between its parts, each becomes a space. What exists when the command begins is exported once, in order of\n" +
			"created_at; what arrives meanwhile is not, what is deleted meanwhile is left out. To go on after an interruption,\n" +
			"give the uuid of the last whole line with --after.",
		examples: []string{
			"vconduit vcon export >all.jsonl",
			"vconduit vcon export --since 2026-11-01 --until 2026-11-30T23:59:59Z | gzip >november.jsonl.gz",
			"vconduit vcon export --after 019394ef-7d0a-8c3e-8caa-f24ab1a0c334 >>all.jsonl",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r := remoteFlags(fs, io)
			since := fs.String("since", "", "created at this `time` or later")
			until := fs.String("until", "", "created at this `time` or earlier")
			after := fs.String("after", "", "begin behind this `uuid`")
			return func(ctx context.Context, words []string) error {
				if len(words) > 0 {
					return usagef("unexpected %q", words[0])
				}
				if *after != "" {
					id, err := vcon.ParseID(*after)
					if err != nil {
						return usagef("--after: %q is no uuid", *after)
					}
					*after = id.String()
				}
				return withClient(ctx, r, func(c *client) error {
					ids, err := exportIDs(ctx, c, *since, *until, *after)
					if err != nil {
						return err
					}
					return exportAll(ctx, c, r, ids)
				})
			}
		},
	}
}

// exportIDs are the uuids to export, oldest first. The server reads them in one go: a document that stays is among them
// once, whatever comes or goes meanwhile.
func exportIDs(ctx context.Context, c *client, since, until, after string) ([]string, error) {
	q := url.Values{"size": {"-1"}}
	for name, v := range map[string]string{"since": since, "until": until} {
		if v != "" {
			q.Set(name, v)
		}
	}
	var ids []string
	if err := c.get(ctx, request{method: http.MethodGet, path: "/vcon", query: q}, &ids); err != nil {
		return nil, err
	}
	slices.Reverse(ids)
	if after == "" {
		return ids, nil
	}
	n := slices.Index(ids, after)
	if n < 0 {
		return nil, fmt.Errorf("--after: vCon %s is not among those to export; give --since instead", after)
	}
	return ids[n+1:], nil
}

func exportAll(ctx context.Context, c *client, r *remote, ids []string) error {
	bar := newProgress(r.io, "exported", len(ids))
	out := bufio.NewWriterSize(r.io.Out, 1<<20)
	written, gone, last := 0, 0, ""
	var err error
	for _, id := range ids {
		var text []byte
		if text, err = exportOne(ctx, c, id); err != nil {
			break
		}
		if text == nil {
			gone++
		} else {
			if _, err = out.Write(append(text, '\n')); err != nil {
				break
			}
			written, last = written+1, id
		}
		bar.step()
	}
	if flushed := out.Flush(); flushed != nil {
		bar.end()
		return flushed // what was written is not known: no uuid to go on from
	}
	bar.end()
	if err != nil {
		if last != "" {
			fmt.Fprintf(r.io.Err, "to go on: vconduit vcon export --after %s\n", last)
		}
		return fmt.Errorf("stopped after %d of %d vCons: %w", written, len(ids), err)
	}
	fmt.Fprintf(r.io.Err, "exported %d", written)
	if gone > 0 {
		fmt.Fprintf(r.io.Err, ", %d were deleted meanwhile", gone)
	}
	fmt.Fprintln(r.io.Err)
	return nil
}

// lineBreaks are what JSON allows between its parts and a line does not.
var lineBreaks = []byte{'\n', '\r'}

// exportOne is a document in one line; nil when it is gone.
func exportOne(ctx context.Context, c *client, id string) ([]byte, error) {
	rep, err := c.send(ctx, request{method: http.MethodGet, path: "/vcon/" + id})
	switch {
	case err != nil:
		return nil, err
	case rep.status == http.StatusNotFound:
		return nil, nil
	case rep.status != http.StatusOK:
		return nil, fmt.Errorf("vCon %s: %w", id, rep.err())
	case len(rep.body) == 0:
		return nil, errors.New("vCon " + id + ": the answer is empty")
	}
	for _, b := range lineBreaks {
		rep.body = bytes.ReplaceAll(rep.body, []byte{b}, []byte{' '})
	}
	return rep.body, nil
}
