package embedded

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vconduit/vconduit/vcon"
)

// inlineMax is the largest document that is kept in a row; larger ones would make every small commit wait for their
// bytes in the log.
const inlineMax = 256 << 10

// keepBlob is writeBlob with the answers of the store. A full disk refuses what grows the store; for anything else the
// ballast goes.
func (s *Store) keepBlob(id vcon.ID, text []byte, grows bool) (string, error) {
	name, err := s.writeBlob(id, text)
	if isFull(err) && s.makeRoom(grows) {
		name, err = s.writeBlob(id, text)
	}
	return name, s.outward(err)
}

// writeBlob keeps a large document in a file of its own, durable on return: blobs/xx/<uuid>.<random>. The revision is
// not known before the transaction that will name the file, so something that never repeats stands in its place. The
// caller drops the file when that transaction does not come about.
func (s *Store) writeBlob(id vcon.ID, text []byte) (name string, err error) {
	var tail [8]byte
	_, _ = rand.Read(tail[:]) // never fails
	u := id.String()
	name = filepath.Join(u[:2], u+"."+hex.EncodeToString(tail[:]))
	path := s.blobPath(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	if err := s.writeSynced(path, text); err != nil {
		return "", errors.Join(err, removeIfThere(path))
	}
	if err := s.opt.Step("blob.dir"); err != nil {
		return "", errors.Join(err, removeIfThere(path))
	}
	for _, dir := range []string{filepath.Dir(path), s.blobPath("")} {
		if err := syncDir(dir); err != nil {
			return "", err
		}
	}
	return name, nil
}

func (s *Store) writeSynced(path string, text []byte) error {
	if err := s.opt.Step("blob.write"); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := s.opt.Step("blob.sync"); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(errFsync, err, f.Close())
	}
	return f.Close()
}

func (s *Store) blobPath(name string) string { return filepath.Join(s.dir, blobsFolder, name) }

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return errors.Join(errFsync, err)
	}
	return nil
}

// dropBlobs unlinks files that the transaction gave up, and those of transactions before it, once all of them are on the
// disk: a row that comes back after a crash of the machine must find its file. What is left when the store closes is
// removed at next open.
func (s *Store) dropBlobs(names []string) {
	s.dropped = append(s.dropped, names...)
	if s.level == levelFull {
		s.removeBlobs(s.dropped)
		s.dropped = nil
	}
}

// removeBlobs unlinks files that no committed row names any more, after the snapshot that may. What cannot be removed now is removed at next open.
func (s *Store) removeBlobs(names []string) {
	if len(names) == 0 || s.spared.keep(names) {
		return
	}
	if err := s.opt.Step("unlink"); err != nil {
		return
	}
	for _, name := range names {
		if err := removeIfThere(s.blobPath(name)); err != nil {
			s.log.Warn("large document not removed", "error", err)
		}
	}
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sweepBlobs removes files that no row names: a crash came between file and transaction.
func (s *Store) sweepBlobs() error {
	dirs, err := os.ReadDir(s.blobPath(""))
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if err := s.sweepDir(d.Name()); err != nil {
			return fmt.Errorf("sweep large documents: %w", err)
		}
	}
	return nil
}

func (s *Store) sweepDir(dir string) error {
	files, err := os.ReadDir(s.blobPath(dir))
	if err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Join(dir, f.Name())
		used, err := named(s.writer, name)
		if err != nil {
			return err
		}
		if !used {
			s.removeBlobs([]string{name})
		}
	}
	return nil
}

// named reports whether the document of a file's uuid names that file.
func named(c *conn, name string) (bool, error) {
	u, _, _ := strings.Cut(filepath.Base(name), ".")
	id, err := vcon.ParseID(u)
	if err != nil {
		return true, nil // not ours: left alone
	}
	return c.one(nil, `SELECT 1 FROM doc WHERE uuid=? AND file=?`, id[:], name)
}
