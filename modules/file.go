package modules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxSetting bounds the files that sources name: tokens and authorities.
const maxSetting = 1 << 20

// fromFile reads what a file: ref names. A symbolic link is followed: configuration that is mounted consists of them,
// and the pin makes it harmless.
func (s *Store) fromFile(ref Ref, want Digest) ([]byte, error) {
	wasm, err := s.readFile(filepath.FromSlash(ref.rest), s.maxSize)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", ref, err)
	}
	if want.IsZero() {
		e := &PinError{Ref: ref}
		if isWasm(wasm) {
			e.Actual = DigestOf(wasm)
		}
		return nil, e
	}
	return wasm, verify(ref, want, wasm)
}

// readFile reads a file of at most limit bytes, relative to the base.
func (s *Store) readFile(path string, limit int64) ([]byte, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.base, path)
	}
	return readRegular(path, limit)
}

// readRegular reads a regular file of at most limit bytes. It opens nothing else: a pipe would block, a device may act.
// Errors: ErrNotFound, ErrTooLarge, ErrDenied, ErrUnavailable.
func readRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // whatever took its place since must not block
	if err != nil {
		return nil, fileError(err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, fileError(err)
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, errNotRegular
	case info.Size() > limit:
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, info.Size(), limit)
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, fileError(err)
	}
	if int64(data.Len()) > limit { // it grows
		return nil, fmt.Errorf("%w: more than the %d bytes that are read", ErrTooLarge, limit)
	}
	return data.Bytes(), nil
}

var errNotRegular = fmt.Errorf("%w: there is something, but no regular file", ErrNotFound)

// fileError says what went wrong with a file, without its full path.
func fileError(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	kind := ErrUnavailable
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		kind = ErrNotFound
	case errors.Is(err, fs.ErrPermission):
		kind = ErrDenied
	}
	return fmt.Errorf("%w: %w", kind, err)
}
