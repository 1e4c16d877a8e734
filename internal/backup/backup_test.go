package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// pair is a file of a test.
type pair struct{ name, text string }

func files(all ...pair) (iter.Seq2[File, error], Head) {
	h := Head{Vconduit: "test", Created: time.Unix(1e9, 0), Files: int64(len(all)), Counts: json.RawMessage(`{}`)}
	for _, p := range all {
		h.Bytes += int64(len(p.text))
	}
	return func(yield func(File, error) bool) {
		for _, p := range all {
			open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(p.text)), nil }
			if !yield(File{p.name, int64(len(p.text)), open}, nil) {
				return
			}
		}
	}, h
}

func archive(t testing.TB, all ...pair) []byte {
	t.Helper()
	var b bytes.Buffer
	seq, head := files(all...)
	if err := Write(context.Background(), &b, head, seq); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpack extracts in memory.
func unpack(text []byte) (map[string]string, error) {
	r, err := NewReader(context.Background(), bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := map[string]*bytes.Buffer{}
	err = r.Extract(func(name string, size int64) (io.WriteCloser, error) {
		out[name] = &bytes.Buffer{}
		return nopCloser{out[name]}, nil
	})
	got := map[string]string{}
	for name, b := range out {
		got[name] = b.String()
	}
	return got, err
}

var some = []pair{
	{"store.db", strings.Repeat("page ", 100_000)},
	{"blobs/01/0198-a.ff", "{}"},
	{"blobs/02/0298-b.00", ""},
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	text := archive(t, some...)
	got, err := unpack(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range some {
		if got[p.name] != p.text {
			t.Errorf("%s: %d bytes, want %d", p.name, len(got[p.name]), len(p.text))
		}
	}
	r, err := NewReader(context.Background(), bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if h := r.Head(); h.Format != Format || h.Vconduit != "test" || h.Files != 3 || !h.Created.Equal(time.Unix(1e9, 0)) {
		t.Errorf("head: %+v", h)
	}
}

// TestCutOrChanged: of each place where a backup is cut, and of changed bytes, nothing is taken for a whole one.
func TestCutOrChanged(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 3000)
	_, _ = rand.Read(noise)
	text := archive(t, pair{"store.db", string(noise)}, some[1])
	for n := range text {
		if _, err := unpack(text[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut at %d of %d: %v", n, len(text), err)
		}
	}
	for n := 0; n < len(text); n += 7 {
		changed := bytes.Clone(text)
		changed[n] ^= 0x55
		if got, err := unpack(changed); err == nil && got["store.db"] != string(noise) {
			t.Fatalf("byte %d changed: taken, with another content", n)
		}
	}
	if _, err := unpack(append(bytes.Clone(text), text...)); !errors.Is(err, ErrDamaged) {
		t.Errorf("twice the backup: %v", err)
	}
}

// made is a member of an archive that Write would not make.
type made struct {
	tar.Header
	text string
}

func member(name, text string) made {
	return made{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(text))}, text}
}

func forge(t testing.TB, members ...made) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for _, m := range members {
		if err := w.WriteHeader(&m.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, m.text); err != nil {
			t.Fatal(err)
		}
	}
	_ = w.Flush() // fails for a member that is shorter than it says
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func headOf(files, size int64) made {
	return member(headName, fmt.Sprintf(`{"format":1,"files":%d,"bytes":%d}`, files, size))
}

func TestForged(t *testing.T) {
	t.Parallel()
	link := made{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: "blobs/a", Linkname: "/etc"}}
	huge := member("store.db", "x")
	huge.Size = 1 << 40
	sparse := member("store.db", "x")
	sparse.PAXRecords = map[string]string{"VENDOR.size": "1"}
	for name, c := range map[string]struct {
		text []byte
		says string
	}{
		"nothing":          {nil, "ends before"},
		"no zstd":          {[]byte("PK\x03\x04 something else"), ""},
		"no head":          {forge(t, member("store.db", "x")), "does not begin"},
		"head is no JSON":  {forge(t, member(headName, "{")), headName},
		"negative":         {forge(t, member(headName, `{"format":1,"files":-1}`)), headName},
		"parent":           {forge(t, headOf(1, 1), member("../store.db", "x")), "name"},
		"parent inside":    {forge(t, headOf(1, 1), member("blobs/../../x", "x")), "name"},
		"absolute":         {forge(t, headOf(1, 1), member("/etc/passwd", "x")), "name"},
		"backslash":        {forge(t, headOf(1, 1), member(`..\store.db`, "x")), "name"},
		"hidden":           {forge(t, headOf(1, 1), member(".ssh/x", "x")), "name"},
		"deep":             {forge(t, headOf(1, 1), member("a/b/c/d/e/f/g", "x")), "name"},
		"link":             {forge(t, headOf(1, 1), link), "plain file"},
		"folder":           {forge(t, headOf(1, 1), made{Header: tar.Header{Typeflag: tar.TypeDir, Name: "blobs/"}}), "plain file"},
		"huge":             {forge(t, headOf(1, 100), huge), "more than is announced"},
		"huge, announced":  {forge(t, headOf(1, 1<<41), huge), "store.db"},
		"extension":        {forge(t, headOf(1, 1), sparse), "extension"},
		"twice":            {forge(t, headOf(2, 2), member("a", "x"), member("a", "x")), "twice"},
		"head twice":       {forge(t, headOf(2, 2), headOf(1, 1)), "twice"},
		"too many":         {forge(t, headOf(1, 9), member("a", "x"), member("b", "x")), "more than the 1 files"},
		"too few":          {forge(t, headOf(2, 2), member("a", "x"), member(sumsName, "x")), "announced"},
		"no digests":       {forge(t, headOf(1, 1), member("a", "x")), "ends before"},
		"digests too long": {forge(t, headOf(1, 1), member("a", "x"), member(sumsName, strings.Repeat("0", 1000))), "one line"},
		"wrong digest": {forge(t, headOf(1, 1), member("a", "x"), member(sumsName,
			sumLine(make([]byte, 32), headName)+sumLine(make([]byte, 32), "a"))), "digest of " + headName},
	} {
		_, err := unpack(c.text)
		if !errors.Is(err, ErrDamaged) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v, want ErrDamaged and %q", name, err, c.says)
		}
	}
	if _, err := unpack(forge(t, member(headName, `{"format":2}`))); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer format: %v", err)
	}
}

// TestSource: what goes wrong while a backup is made leaves no archive that is taken for one.
func TestSource(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	for name, seq := range map[string]iter.Seq2[File, error]{
		"error": func(yield func(File, error) bool) { yield(File{}, broken) },
		"cannot open": func(yield func(File, error) bool) {
			yield(File{"a", 1, func() (io.ReadCloser, error) { return nil, broken }}, nil)
		},
		"shorter": func(yield func(File, error) bool) {
			yield(File{"a", 5, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil }}, nil)
		},
		"bad name": func(yield func(File, error) bool) { yield(File{Name: "../a"}, nil) },
		"fewer":    func(func(File, error) bool) {},
	} {
		var b bytes.Buffer
		if err := Write(t.Context(), &b, Head{Files: 1, Bytes: 5}, seq); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := unpack(b.Bytes()); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: what was written is read as a backup: %v", name, err)
		}
	}
	seq, head := files(some...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Write(ctx, io.Discard, head, seq); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// FuzzRead: whatever the bytes, there is an answer, names stay inside, and sizes are what was announced.
func FuzzRead(f *testing.F) {
	f.Add(archive(f, some[1:]...))
	f.Add(forge(f, headOf(1, 1), member("../x", "x")))
	f.Add(forge(f, headOf(2, 2), member("a", "x"), member("a", "x")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) { check(t, text) })
}

// FuzzArchive is FuzzRead behind the compression, which random bytes hardly pass.
func FuzzArchive(f *testing.F) {
	for _, text := range [][]byte{archive(f, some[1:]...), forge(f, headOf(1, 1), member("../x", "x")), forge(f, headOf(1, 1), member("a", "x"))} {
		z, err := zstd.NewReader(bytes.NewReader(text))
		if err != nil {
			f.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		z.Close()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, plain []byte) { check(t, z.EncodeAll(plain, nil)) })
}

func check(t *testing.T, text []byte) {
	t.Helper()
	r, err := NewReader(context.Background(), bytes.NewReader(text))
	if err != nil {
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
			t.Fatalf("an error of another kind: %v", err)
		}
		return
	}
	defer r.Close()
	var announced int64
	seen := map[string]bool{}
	err = r.Extract(func(name string, size int64) (io.WriteCloser, error) {
		if !isName(name) || !filepath.IsLocal(name) || seen[name] {
			t.Fatalf("name %q", name)
		}
		seen[name] = true
		announced += size
		return nopCloser{io.Discard}, nil
	})
	if announced > r.Head().Bytes || int64(len(seen)) > r.Head().Files {
		t.Fatalf("%d files of %d bytes, announced were %d of %d", len(seen), announced, r.Head().Files, r.Head().Bytes)
	}
	if err != nil && !errors.Is(err, ErrDamaged) {
		t.Fatalf("an error of another kind: %v", err)
	}
}
