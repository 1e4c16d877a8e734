package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vconduit/vconduit/api"
	"github.com/vconduit/vconduit/internal/backup"
	"github.com/vconduit/vconduit/queue/embedded"
)

// besides are folders of the data folder whose files a backup takes along as they are, where they are there. What only
// saves work is not among them: the cache of modules is filled again, by digest.
func besides() []string { return []string{"audit"} }

// backups makes backups of one store.
type backups struct {
	store   *embedded.Store
	dir     string
	version string
	log     *slog.Logger
	running sync.WaitGroup
}

// open takes a snapshot and gives it in the format of a backup, read while it is asked for. Close it, also before its
// end. Errors: api.ErrBackupRuns; those of the store.
func (b *backups) open(ctx context.Context) (io.ReadCloser, error) {
	began := time.Now()
	snapshot, err := b.store.Snapshot(ctx)
	if errors.Is(err, embedded.ErrSnapshot) {
		return nil, api.ErrBackupRuns
	}
	if err != nil {
		return nil, err
	}
	extra, err := b.extra()
	if err != nil {
		return nil, errors.Join(err, snapshot.Close())
	}
	head := backup.Head{Vconduit: b.version, Created: began, Files: 1 + snapshot.Counts.Files, Bytes: snapshot.Bytes()}
	for _, f := range extra {
		head.Files++
		head.Bytes += f.Size
	}
	if head.Counts, err = json.Marshal(snapshot.Counts); err != nil {
		return nil, errors.Join(err, snapshot.Close())
	}
	r, w := io.Pipe()
	cut := context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
	b.running.Go(func() {
		defer cut()
		err := backup.Write(ctx, w, head, members(snapshot, extra))
		err = errors.Join(err, snapshot.Close())
		b.tell(head, time.Since(began), err)
		w.CloseWithError(err)
	})
	return r, nil
}

func (b *backups) tell(head backup.Head, took time.Duration, err error) {
	if err != nil {
		b.log.Warn("backup not finished", "error", err)
		return
	}
	b.log.Info("backup made", "files", head.Files, "bytes", head.Bytes, "seconds", took.Seconds())
}

// wait returns when no backup is being made any more; the contexts of those that are must have ended, or their readers.
func (b *backups) wait() { b.running.Wait() }

// extra are the files of besides, with their sizes as of now: what is appended later is another backup's.
func (b *backups) extra() (out []backup.File, err error) {
	for _, folder := range besides() {
		err := filepath.WalkDir(filepath.Join(b.dir, folder), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			name, err := filepath.Rel(b.dir, path)
			if err != nil {
				return err
			}
			out = append(out, backup.File{Name: filepath.ToSlash(name), Size: info.Size(), Open: opener(path)})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("back up the folder %s: %w", folder, err)
		}
	}
	return out, nil
}

func members(s *embedded.Snapshot, extra []backup.File) iter.Seq2[backup.File, error] {
	return func(yield func(backup.File, error) bool) {
		for f, err := range s.Files() {
			if !yield(backup.File{Name: f.Name, Size: f.Size, Open: opener(f.Path)}, err) {
				return
			}
		}
		for _, f := range extra {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func opener(path string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return os.Open(path) }
}
