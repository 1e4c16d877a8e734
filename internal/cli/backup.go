package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/vconduit/vconduit/internal/app"
	"github.com/vconduit/vconduit/internal/backup"
)

func backupCommand() command {
	return command{
		name: "backup", args: "FILE",
		short: "write the whole store into one file, while the server works on",
		long: "The file has every vCon, list, dead letter and value of a link, as of one moment: all that was acknowledged before\n" +
			"the command began. It does not have the configuration, what the storages keep, or the cache of modules. It is read\n" +
			"back and checked while it is written, and takes its name, in place of an older file, when it is whole; - is\n" +
			"standard output. The server needs as much free room on its disk as its database has.\n" +
			"It holds conversations in plain: keep it as you keep them. It is a tar archive in zstd.",
		examples: []string{
			"vconduit backup /backup/vconduit-2026-11-26.tar.zst",
			"vconduit backup - --data /var/lib/vconduit | ssh backup 'cat >vconduit.tar.zst'",
			"vconduit backup vconduit.tar.zst --server https://vcon.example.com --token TOKEN",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			r := remoteFlags(fs, io)
			return func(ctx context.Context, words []string) error {
				if len(words) != 1 {
					return usagef("want one FILE (- is standard output), got %d words", len(words))
				}
				return withClient(ctx, r, func(c *client) error { return makeBackup(ctx, c, r, words[0]) })
			}
		},
	}
}

func makeBackup(ctx context.Context, c *client, r *remote, name string) error {
	resp, err := c.do(ctx, request{method: http.MethodGet, path: "/backup"})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		if err != nil {
			return err
		}
		return reply{status: resp.StatusCode, body: body}.err()
	}
	if name == "-" {
		head, err := copyBackup(ctx, r, resp.Body, r.io.Out)
		if err != nil {
			return err
		}
		return toldBackup(r.io.Err, head, "standard output")
	}
	head, err := keepBackup(ctx, r, resp.Body, name)
	switch {
	case err != nil:
		return err
	case r.json:
		return json.NewEncoder(r.io.Out).Encode(head)
	}
	return toldBackup(r.io.Out, head, name)
}

// keepBackup writes the file under another name, and gives it its own when it is whole and on the disk.
func keepBackup(ctx context.Context, r *remote, from io.Reader, name string) (head backup.Head, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".partial-*")
	if err != nil {
		return head, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	head, err = copyBackup(ctx, r, from, f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return head, err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		return head, err
	}
	return head, syncFolder(filepath.Dir(name))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// copyBackup copies a backup and reads it on the way: nil means that a whole one was written.
func copyBackup(ctx context.Context, r *remote, from io.Reader, to io.Writer) (backup.Head, error) {
	out := &tee{from: from, to: to}
	in, err := backup.NewReader(ctx, out)
	if err != nil {
		return backup.Head{}, cmp.Or(out.err, err)
	}
	defer in.Close()
	bar := newProgress(r.io, "MiB backed up:", mebibytes(in.Head().Bytes))
	defer bar.end()
	var done int64
	err = in.Extract(func(string, int64) (io.WriteCloser, error) {
		return discard(func(n int) {
			done += int64(n)
			bar.to(mebibytes(done))
		}), nil
	})
	return in.Head(), cmp.Or(out.err, err)
}

func mebibytes(n int64) int { return int((n + 1<<20 - 1) >> 20) }

// tee copies what is read. It keeps the error of either side: who reads a backup only knows that it is not whole.
type tee struct {
	from io.Reader
	to   io.Writer
	err  error
}

// Read implements io.Reader.
func (t *tee) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	if err != nil && err != io.EOF {
		t.err = fmt.Errorf("read from the server: %w", err)
	}
	if _, e := t.to.Write(p[:n]); e != nil {
		t.err, err = e, e
	}
	return n, err
}

// discard counts what is written.
type discard func(n int)

// Write implements io.Writer.
func (d discard) Write(p []byte) (int, error) {
	d(len(p))
	return len(p), nil
}

// Close implements io.Closer.
func (discard) Close() error { return nil }

func toldBackup(w io.Writer, head backup.Head, where string) error {
	held := struct {
		Documents int64 `json:"documents"`
		Entries   int64 `json:"entries"`
		Dead      int64 `json:"dead_letters"`
	}{}
	if err := json.Unmarshal(head.Counts, &held); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s: %d vCons, %d entries on lists, %d dead letters, as of %s\n",
		where, held.Documents, held.Entries, held.Dead, head.Created.Format(time.RFC3339))
	return err
}

func restoreCommand() command {
	return command{
		name: "restore", args: "FILE",
		short: "make a data folder of a backup",
		long: "The folder must hold nothing but a cache of modules. --force moves what it holds into a folder inside of it and\n" +
			"deletes nothing. Everything is checked before the store takes its place; an error leaves the folder as it was, a\n" +
			"crash a folder restore-partial in it, with which no server starts. FILE - is standard input.\n" +
			"vCons that were in work when the backup was made are worked again.",
		examples: []string{
			"vconduit restore vconduit-2026-11-26.tar.zst --data /var/lib/vconduit",
			"vconduit restore vconduit.tar.zst --data /var/lib/vconduit --force",
			"vconduit restore - --data ./data <vconduit.tar.zst",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			data := fs.String("data", "", "data `folder` to make (default: VCONDUIT_DATA, else ./data)")
			force := fs.Bool("force", false, "move aside what the folder holds")
			asJSON := fs.Bool("json", false, "print JSON")
			return func(ctx context.Context, words []string) error {
				if len(words) != 1 {
					return usagef("want one FILE (- is standard input), got %d words", len(words))
				}
				return restore(ctx, io, words[0], app.RestoreOptions{Data: app.DataDir(*data, io.Getenv), Force: *force}, *asJSON)
			}
		},
	}
}

func restore(ctx context.Context, io IO, name string, o app.RestoreOptions, asJSON bool) error {
	from := io.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	bar := newProgress(io, "MiB restored:", 0)
	o.Progress = func(done, total int64) {
		bar.total = mebibytes(total)
		bar.to(mebibytes(done))
	}
	done, err := app.Restore(ctx, from, o)
	bar.end()
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(io.Out).Encode(done)
	}
	if done.Aside != "" {
		fmt.Fprintf(io.Err, "what was there is in %s\n", done.Aside)
	}
	return toldBackup(io.Out, done.Head, done.Data)
}
