package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

func importCommand() command {
	return command{
		name: "vcon import", args: "FILE",
		short: "post vCons from a file that has one a line",
		long: "A line that is no vCon, or that the server refuses, is reported with its number and passed over; the exit code is 1\n" +
			"then. How far the import is, is kept beside FILE in FILE.import until it is done: after Ctrl-C, a crash or a server\n" +
			"that went away, --resume goes on from there. What was posted and not noted is recognised by the server for 24\n" +
			"hours and neither stored nor queued twice. FILE may be gzipped; - is standard input, which cannot be resumed.",
		examples: []string{
			"vconduit vcon import all.jsonl --list customer_data",
			"vconduit vcon import all.jsonl --list customer_data --resume",
			"gunzip -c old.jsonl.gz | vconduit vcon import - --server https://vcon.example.com",
		},
		setup: func(fs *flag.FlagSet, std IO) func(context.Context, []string) error {
			r := remoteFlags(fs, std)
			list := fs.String("list", "", "ingress `list` (without it the vCons are stored, not queued)")
			resume := fs.Bool("resume", false, "go on where an earlier import of FILE stopped; from the start if there was none")
			strict := fs.Bool("strict", false, "stop at the first line that is not taken")
			return func(ctx context.Context, words []string) error {
				switch {
				case len(words) != 1:
					return usagef("want one FILE (- is standard input), got %d", len(words))
				case words[0] == "-" && *resume:
					return usagef("standard input cannot be resumed")
				}
				im := &importer{r: r, list: *list, strict: *strict}
				return im.run(ctx, words[0], *resume)
			}
		},
	}
}

// A batch is at most this many documents and, unless it is one alone, this many bytes.
const (
	importItems = 100
	importBytes = 4 << 20
)

// importer posts the lines of one file.
type importer struct {
	r      *remote
	list   string
	strict bool

	c     *client
	in    *lineReader
	notes *importNotes
	bar   *progress
	batch []importLine
	size  int
	ids   map[vcon.ID]bool // of the batch
}

// importLine is one document of a batch.
type importLine struct {
	n    int // line number, from 1
	text []byte
}

func (im *importer) run(ctx context.Context, file string, resume bool) (err error) {
	if im.in, err = openLines(file, im.r.io.In); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, im.in.close()) }()
	if im.c, err = im.r.open(ctx); err != nil {
		return err
	}
	defer im.c.close()
	if im.notes, err = openNotes(file, im.list, resume, im.in); err != nil {
		return err
	}
	im.bar, im.ids = newProgress(im.r.io, "imported", 0), map[vcon.ID]bool{}
	err = im.lines(ctx)
	im.bar.end()
	if err != nil {
		return fmt.Errorf("%w (lines up to %d are done%s)", err, im.notes.Lines, im.notes.hint())
	}
	if err := im.notes.remove(); err != nil {
		return err
	}
	return im.summary()
}

// summary tells how it went; what failed before a --resume counts too.
func (im *importer) summary() error {
	n := im.notes
	if im.r.json {
		if err := json.NewEncoder(im.r.io.Out).Encode(map[string]int{"imported": n.Imported, "failed": n.Failed}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(im.r.io.Out, "imported %d\n", n.Imported)
	}
	if n.Failed > 0 {
		return fmt.Errorf("%d lines were not taken", n.Failed)
	}
	return nil
}

// lines reads to the end of the file, posting batch by batch.
func (im *importer) lines(ctx context.Context) error {
	for {
		line, err := im.in.next()
		if errors.Is(err, io.EOF) {
			return im.settle(ctx, im.in.n, im.in.sum())
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", im.in.n+1, err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := im.take(ctx, line); err != nil {
			return err
		}
	}
}

// take puts a line into the batch, after posting what would not go together with it. Of one uuid a batch has one
// document: several are posted in order.
func (im *importer) take(ctx context.Context, line []byte) error {
	doc, bad := vcon.ParseWith(line, vcon.Limits{Bytes: maxFile})
	full := len(im.batch) == importItems || len(im.batch) > 0 && im.size+len(line) > importBytes
	if bad != nil || full || im.ids[doc.ID()] {
		if err := im.settle(ctx, im.in.n-1, im.in.before); err != nil {
			return err
		}
	}
	if bad != nil {
		return im.refuse(im.in.n, bad.Error())
	}
	im.batch, im.size = append(im.batch, importLine{im.in.n, line}), im.size+len(line)
	im.ids[doc.ID()] = true
	return nil
}

// settle posts the batch and notes that the lines up to n are done.
func (im *importer) settle(ctx context.Context, n int, sum string) error {
	batch := im.batch
	im.batch, im.size = nil, 0
	clear(im.ids)
	if len(batch) > 0 {
		if err := im.send(ctx, batch); err != nil {
			return err
		}
	}
	return im.notes.save(n, sum)
}

// send posts documents together; when the server refuses them as a whole, one by one, so that it is known which one it
// was.
func (im *importer) send(ctx context.Context, batch []importLine) error {
	outs, refusal, err := im.deliver(ctx, batch)
	switch {
	case err != nil:
		return err
	case refusal == "":
	case len(batch) == 1:
		return im.refuse(batch[0].n, refusal)
	default:
		for _, line := range batch {
			if err := im.send(ctx, []importLine{line}); err != nil {
				return err
			}
		}
		return nil
	}
	for i, o := range outs {
		if o.Status >= 300 {
			if err := im.refuse(batch[i].n, detailText(o.Detail)); err != nil {
				return err
			}
			continue
		}
		im.notes.Imported++
		im.bar.step()
	}
	return nil
}

// importOutcome is what the server says of one document.
type importOutcome struct {
	Status int             `json:"status"`
	Detail json.RawMessage `json:"detail"`
}

// importTries is how often a batch is posted to a server that is there and cannot take it now, a second apart and then
// twice as long each time.
const importTries = 5

// deliver posts a batch until the server has an opinion on each of its documents, or on the whole (refusal). The same
// lines have the same Idempotency-Key whenever they are posted.
func (im *importer) deliver(ctx context.Context, batch []importLine) (outs []importOutcome, refusal string, err error) {
	q := request{method: http.MethodPost, path: "/vcons", query: listQuery(im.list), body: joinLines(batch),
		idempotency: fmt.Sprintf("%s-%d", im.notes.Run, batch[0].n)}
	wait := time.Second
	for range importTries {
		var rep reply
		if rep, err = im.c.send(ctx, q); err != nil {
			return nil, "", err
		}
		switch {
		case rep.status == http.StatusServiceUnavailable:
			err = rep.err()
		case rep.status == http.StatusForbidden || rep.status >= 500:
			return nil, "", rep.err()
		case rep.status >= 400:
			return nil, rep.detail(), nil
		default:
			if outs, err = outcomes(rep, len(batch)); err != nil || !busy(outs) {
				return outs, "", err
			}
			err = errors.New("the server cannot store vCons now")
		}
		select {
		case <-time.After(wait):
			wait *= 2
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
	return nil, "", err
}

// outcomes reads what the server says of n documents.
func outcomes(rep reply, n int) (outs []importOutcome, err error) {
	if err := rep.decode(&outs); err != nil {
		return nil, err
	}
	if len(outs) != n {
		return nil, fmt.Errorf("the server answered %d documents of %d", len(outs), n)
	}
	return outs, nil
}

// busy reports that a document was not refused but could not be taken: the batch is posted again. What was taken of it
// is recognised then.
func busy(outs []importOutcome) bool {
	for _, o := range outs {
		if o.Status >= 500 {
			return true
		}
	}
	return false
}

func joinLines(batch []importLine) []byte {
	var b bytes.Buffer
	for i, line := range batch {
		b.WriteByte("[,"[min(i, 1)])
		b.Write(line.text)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// refuse reports a line that is not taken.
func (im *importer) refuse(n int, why string) error {
	if im.strict {
		return fmt.Errorf("line %d: %s", n, why)
	}
	im.notes.Failed++
	im.bar.say("line %d: %s", n, why)
	return nil
}
