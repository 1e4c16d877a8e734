package file

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// temp is the folder for files that are being written.
func (s *Storage) temp() string { return filepath.Join(s.root, ".tmp") }

// write puts text at target: whole and durable on return, or not at all.
func (s *Storage) write(target string, text []byte) error {
	temp := filepath.Join(s.temp(), filepath.Base(target)+"."+rand.Text())
	if err := s.writeTemp(temp, text); err != nil {
		os.Remove(temp)
		return err
	}
	if err := s.rename(temp, target); err != nil {
		os.Remove(temp)
		return err
	}
	dir := filepath.Dir(target)
	if err := s.dirs.sync(dir); err != nil {
		return err
	}
	return s.anchor(dir)
}

// anchor makes the names of a folder and of those above it durable, up to the root, once each: whoever made them may be
// on the way to that still, or have crashed before.
func (s *Storage) anchor(dir string) error {
	if _, ok := s.anchored.Load(dir); ok || dir == s.root {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := errors.Join(s.anchor(parent), s.dirs.sync(parent)); err != nil {
		return err
	}
	s.anchored.Store(dir, true)
	return nil
}

func (s *Storage) writeTemp(temp string, text []byte) error {
	f, err := s.create(temp)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// create makes a new file with exactly the configured mode, whatever the umask is.
func (s *Storage) create(path string) (*os.File, error) {
	const flags = os.O_CREATE | os.O_EXCL | os.O_WRONLY
	f, err := os.OpenFile(path, flags, s.c.FilePerm|0o200)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.mkdirs(s.temp()); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(path, flags, s.c.FilePerm|0o200)
	}
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(s.c.FilePerm); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// rename moves a finished file to its place. The folder may be missing, and a Delete that empties it may take it away
// again in between.
func (s *Storage) rename(temp, target string) error {
	for n := 0; ; n++ {
		err := os.Rename(temp, target)
		if !errors.Is(err, fs.ErrNotExist) || n == 10 {
			return err
		}
		if err := s.mkdirs(filepath.Dir(target)); err != nil {
			return err
		}
	}
}

// mkdirs makes what is missing of a folder's path, durably. Folders that are there keep their mode.
func (s *Storage) mkdirs(dir string) error {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil {
			break
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		missing = append(missing, d)
	}
	for _, d := range slices.Backward(missing) {
		err := os.Mkdir(d, s.c.DirPerm)
		if errors.Is(err, fs.ErrExist) {
			continue // somebody else made it just now
		}
		if err != nil {
			return err
		}
		if err := os.Chmod(d, s.c.DirPerm); err != nil { // the umask took bits away
			return err
		}
		if err := s.dirs.sync(filepath.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}

// removeEmpty removes a folder and those above it as long as they are empty, and makes the removal durable. The root stays.
func (s *Storage) removeEmpty(dir string) error {
	for dir != s.root {
		s.anchored.Delete(dir) // before: one that is made anew right after is another
		if os.Remove(dir) != nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	return s.dirs.sync(dir)
}

// sweep removes what a crash left behind before a time.
func (s *Storage) sweep(before time.Time) {
	entries, err := os.ReadDir(s.temp())
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
			os.Remove(filepath.Join(s.temp(), e.Name())) // another process may have been faster
		}
	}
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed again: nothing of ours is in it
	}
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync %s: %w", dir, err), f.Close())
	}
	return f.Close()
}
