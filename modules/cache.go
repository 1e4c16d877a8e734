package modules

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	extension  = ".wasm"
	tempPrefix = "incoming-"
	tempLife   = time.Hour // a file that is being written for longer was left by a crash
)

// cache keeps modules by digest, as DIGEST.wasm in one folder. It trusts nothing in there: whoever reads checks. Several
// processes may share it.
type cache struct {
	dir     string
	maxSize int64
	log     *slog.Logger
}

func (c *cache) path(d Digest) string { return filepath.Join(c.dir, d.Hex()+extension) }

// has says that there is a file for d. Its bytes are not looked at.
func (c *cache) has(d Digest) bool {
	info, err := os.Lstat(c.path(d))
	return err == nil && info.Mode().IsRegular() && info.Size() <= c.maxSize
}

// load gives the module of a digest; false if it is not there. What is there and is not the module goes away.
func (c *cache) load(d Digest) ([]byte, bool) {
	wasm, err := c.read(d)
	switch {
	case err == nil:
		return wasm, true
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, ErrDigest), errors.Is(err, ErrTooLarge), errors.Is(err, errNotRegular):
		err = errors.Join(err, os.Remove(c.path(d)))
		c.log.Warn("cached module dropped: it is not what it was", "digest", d.Hex(), "error", err)
	default:
		c.log.Warn("cached module not read", "digest", d.Hex(), "error", err)
	}
	return nil, false
}

func (c *cache) read(d Digest) ([]byte, error) {
	info, err := os.Lstat(c.path(d))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // we make no links
		return nil, errNotRegular
	}
	wasm, err := readRegular(c.path(d), c.maxSize)
	if err != nil {
		return nil, err
	}
	if got := DigestOf(wasm); got != d {
		return nil, fmt.Errorf("%w: got %s", ErrDigest, got)
	}
	return wasm, nil
}

// keep puts a module into the cache: whole and durable on return, or not at all.
func (c *cache) keep(d Digest, wasm []byte) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	c.sweep()
	f, err := os.CreateTemp(c.dir, tempPrefix+"*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(wasm)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), c.path(d))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(c.dir)
}

// collect removes the modules that kept does not want, and what crashes left. Other files stay.
func (c *cache) collect(kept func(Digest) bool) (removed []Digest, _ error) {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.sweep()
	var errs []error
	for _, e := range entries {
		d, err := ParseDigest(strings.TrimSuffix(e.Name(), extension))
		if err != nil || kept(d) {
			continue
		}
		if err := os.Remove(c.path(d)); err == nil {
			removed = append(removed, d)
		} else if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return removed, errors.Join(errs...)
}

// sweep removes files that a crash left half written.
func (c *cache) sweep() {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return // who writes next will say it
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), tempPrefix) && time.Since(info.ModTime()) > tempLife {
			os.Remove(filepath.Join(c.dir, e.Name())) // another process may have been faster
		}
	}
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync %s: %w", dir, err), f.Close())
	}
	return f.Close()
}
