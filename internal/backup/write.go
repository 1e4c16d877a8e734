package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/klauspost/compress/zstd"
)

// File is one file on its way into a backup.
type File struct {
	Name string // as isName wants it
	Size int64  // bytes; more of the file is left out, fewer are an error
	Open func() (io.ReadCloser, error)
}

// Write writes a backup of files to w. head.Files and head.Bytes must be what files yields; Format is set here. It uses
// one more core beside the caller's. Errors: those of w and of the files, ctx.Err(), a name that no member may have.
func Write(ctx context.Context, w io.Writer, head Head, files iter.Seq2[File, error]) error {
	zw, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	head.Format, head.Created = Format, head.Created.UTC().Truncate(time.Second)
	a := &writer{tar: tar.NewWriter(zw), head: head}
	if err := a.all(ctx, files); err != nil {
		return errors.Join(fmt.Errorf("write backup: %w", err), zw.Close())
	}
	if err := errors.Join(a.tar.Close(), zw.Close()); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}

type writer struct {
	tar   *tar.Writer
	head  Head
	sums  bytes.Buffer
	files int64
	bytes int64
}

func (a *writer) all(ctx context.Context, files iter.Seq2[File, error]) error {
	text, err := json.Marshal(a.head)
	if err != nil {
		return err
	}
	if err := a.member(headName, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	for f, err := range files {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = a.file(ctx, f)
		}
		if err != nil {
			return err
		}
	}
	if a.files != a.head.Files || a.bytes != a.head.Bytes {
		return fmt.Errorf("%d files of %d bytes were announced, %d of %d came", a.head.Files, a.head.Bytes, a.files, a.bytes)
	}
	return a.put(sumsName, int64(a.sums.Len()), &a.sums)
}

func (a *writer) file(ctx context.Context, f File) error {
	if !isName(f.Name) || f.Name == headName || f.Name == sumsName {
		return fmt.Errorf("a backup has no place for the name %q", f.Name)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	a.files++
	a.bytes += f.Size
	return errors.Join(a.member(f.Name, f.Size, &until{ctx, r}), r.Close())
}

// member writes a member and its line in the digests.
func (a *writer) member(name string, size int64, r io.Reader) error {
	sum := sha256.New()
	if err := a.put(name, size, io.TeeReader(r, sum)); err != nil {
		return err
	}
	a.sums.WriteString(sumLine(sum.Sum(nil), name))
	return nil
}

func (a *writer) put(name string, size int64, r io.Reader) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.head.Created}
	if err := a.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	n, err := io.Copy(a.tar, io.LimitReader(r, size))
	if err == nil && n < size {
		err = fmt.Errorf("it has %d bytes, not %d", n, size)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// sumLine is a line of SHA256SUMS.
func sumLine(sum []byte, name string) string { return fmt.Sprintf("%x  %s\n", sum, name) }

// until reads while ctx lasts.
type until struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (u *until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
