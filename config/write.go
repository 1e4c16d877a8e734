package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write replaces the file at path by text, so that a reader or a crash sees the old file or the new one: a temporary
// file beside it, fsync, rename. A file that cannot be replaced, as one that is bind-mounted alone, is written in place
// after a copy of it was put into path + ".bak". Mode and symbolic links are kept.
func Write(path string, text []byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	mode := os.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	return wrapWrite(path, write(path, text, mode, os.Rename))
}

func write(path string, text []byte, mode os.FileMode, rename func(from, to string) error) error {
	err := replace(path, text, mode, rename)
	var mounted *os.LinkError
	if errors.As(err, &mounted) { // only rename gives it: any other error, as a full disk, must not touch the file
		return overwrite(path, text, mode)
	}
	return err
}

func wrapWrite(path string, err error) error {
	if err != nil {
		return fmt.Errorf("write config %s: %w", path, err)
	}
	return nil
}

func replace(path string, text []byte, mode os.FileMode, rename func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already after the rename
	if err := errors.Join(f.Chmod(mode), fill(f, text)); err != nil {
		return err
	}
	if err := rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func fill(f *os.File, text []byte) error {
	_, err := f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// overwrite changes the file itself; the backup is complete on disk before the first byte changes.
func overwrite(path string, text []byte, mode os.FileMode) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	bak, err := os.OpenFile(path+".bak", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return fmt.Errorf("the folder takes neither a new file nor a backup: %w", err)
	}
	if err := fill(bak, old); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if err = rewrite(f, text); err != nil {
		err = errors.Join(err, rewrite(f, old))
	}
	return errors.Join(err, f.Close())
}

func rewrite(f *os.File, text []byte) error {
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	return errors.Join(f.Truncate(int64(len(text))), f.Sync())
}
