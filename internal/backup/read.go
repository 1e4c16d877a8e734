package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow is the memory that a stream may make the reader take, in bytes; Write needs 8 MiB at most.
const maxWindow = 64 << 20

// Reader reads one backup.
type Reader struct {
	head  Head
	zstd  *zstd.Decoder
	tar   *tar.Reader
	sums  bytes.Buffer // the lines that the last member must have
	names map[string]bool
	files int64
	bytes int64
}

// NewReader reads the head of a backup; the end of ctx ends the reading, also Extract's. Close it. Errors: ErrDamaged, also
// for what is no backup or cannot be read to its end; ErrNewer.
func NewReader(ctx context.Context, r io.Reader) (*Reader, error) {
	z, err := zstd.NewReader(&until{ctx, r}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow))
	if err != nil {
		return nil, damaged("%w", err)
	}
	b := &Reader{zstd: z, tar: tar.NewReader(z), names: map[string]bool{}}
	if err := b.readHead(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close ends the reader; what it reads from stays open.
func (b *Reader) Close() { b.zstd.Close() }

// Head is what the backup says of itself. Nothing of it is proven before Extract has ended.
func (b *Reader) Head() Head { return b.head }

func (b *Reader) readHead() error {
	h, err := b.next()
	if err != nil {
		return err
	}
	if h.Name != headName || h.Size > maxHead {
		return damaged("it does not begin with %s", headName)
	}
	var text bytes.Buffer
	if err := b.copy(h, nopCloser{&text}); err != nil {
		return err
	}
	b.head, err = parseHead(text.Bytes())
	return err
}

// Extract gives every file, in order, to what create returns for it, which is closed after the last byte. It returns nil
// when all digests fit and nothing is missing; with an error, all that was written must be thrown away.
// Errors: ErrDamaged; those of create and of its files.
func (b *Reader) Extract(create func(name string, size int64) (io.WriteCloser, error)) error {
	for {
		h, err := b.next()
		if err != nil {
			return err
		}
		if h.Name == sumsName {
			return b.finish(h)
		}
		if err := b.admit(h); err != nil {
			return err
		}
		w, err := create(h.Name, h.Size)
		if err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
		if err := b.copy(h, w); err != nil {
			return err
		}
	}
}

// next gives the next member if it is one that Write makes.
func (b *Reader) next() (*tar.Header, error) {
	h, err := b.tar.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, damaged("it ends before %s", sumsName)
	case err != nil:
		return nil, damaged("%w", err)
	case h.Typeflag != tar.TypeReg:
		return nil, damaged("member %.100q is no plain file", h.Name)
	case !isName(h.Name):
		return nil, damaged("member %.100q has a name that no backup has", h.Name)
	case h.Size < 0:
		return nil, damaged("%s: its size is below 0", h.Name)
	}
	for key := range h.PAXRecords {
		if key != "size" { // a sparse file is larger than what the archive has of it
			return nil, damaged("%s: the extension %.100q is none of a backup", h.Name, key)
		}
	}
	return h, nil
}

// admit counts a file against what the head announces.
func (b *Reader) admit(h *tar.Header) error {
	switch {
	case h.Name == headName, b.names[h.Name]:
		return damaged("%s comes twice", h.Name)
	case b.files == b.head.Files:
		return damaged("%s: more than the %d files that are announced", h.Name, b.head.Files)
	case h.Size > b.head.Bytes-b.bytes:
		return damaged("%s: its %d bytes are more than is announced", h.Name, h.Size)
	}
	b.names[h.Name] = true
	b.files++
	b.bytes += h.Size
	return nil
}

// copy writes a member, closes w and notes the digest.
func (b *Reader) copy(h *tar.Header, w io.WriteCloser) error {
	sum := sha256.New()
	out := &sink{w: w}
	_, err := io.Copy(io.MultiWriter(sum, out), b.tar)
	if err != nil && out.err == nil {
		err = damaged("%s: %w", h.Name, err)
	} else if err != nil {
		err = fmt.Errorf("%s: %w", h.Name, err)
	}
	b.sums.WriteString(sumLine(sum.Sum(nil), h.Name))
	return errors.Join(err, w.Close())
}

// sink tells an error of the target from one of the source.
type sink struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.err = errors.Join(s.err, err)
	return n, err
}

// finish compares the digests, and wants nothing behind them.
func (b *Reader) finish(h *tar.Header) error {
	if b.files != b.head.Files || b.bytes != b.head.Bytes {
		return damaged("%d files of %d bytes are announced, %d of %d came", b.head.Files, b.head.Bytes, b.files, b.bytes)
	}
	if h.Size != int64(b.sums.Len()) {
		return damaged("%s has not one line for each member", sumsName)
	}
	got := make([]byte, b.sums.Len())
	if _, err := io.ReadFull(b.tar, got); err != nil {
		return damaged("%s: %w", sumsName, err)
	}
	want := bytes.SplitAfter(b.sums.Bytes(), []byte("\n"))
	for i, line := range bytes.SplitAfter(got, []byte("\n")) {
		if i >= len(want) || !bytes.Equal(line, want[i]) {
			return damaged("%s: %s", sumsName, differs(want, i))
		}
	}
	if _, err := b.tar.Next(); !errors.Is(err, io.EOF) {
		return damaged("something follows %s", sumsName)
	}
	if _, err := b.zstd.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return damaged("something follows the archive")
	}
	return nil
}

// differs says which member a wrong line is about.
func differs(want [][]byte, i int) string {
	if i >= len(want) || len(want[i]) < 2*sha256.Size+2 {
		return "a line is about no member"
	}
	return fmt.Sprintf("the digest of %s is another", bytes.TrimSpace(want[i][2*sha256.Size:]))
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
