// Package file is the storage "file": vCons as files in a folder, byte for byte as they are in the live store.
//
// A vCon lies at {path}/YYYY/MM/DD/{uuid}.json, by the date in its created_at as written there, or at {path}/{uuid}.json
// when it has none or organize_by_date is false; ".gz" is added when compression is on. Get and Delete find it in every
// of these places, whatever the options are now.
//
// Guarantees: Save returns when the file and its name are on disk (fsync of both); a reader sees the old file or the
// new one, never a part; nothing outside path is written, and no folder that was there before changes its mode. When a
// new revision has another created_at, the older file stays until Delete; Get gives the newest.
// Left to others: retries and time limits (runtime/chain). Source: the Python server's storage.file.
package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// Config are the options.
type Config struct {
	Path           string      // path: folder, made if missing; default /data/vcons
	OrganizeByDate bool        // organize_by_date: folders YYYY/MM/DD; default true
	Compression    bool        // compression: gzip; default false
	MaxFileSize    int64       // max_file_size: bytes of the vCon before compression, 0 = no limit; default 10 MiB
	FilePerm       fs.FileMode // file_permissions: 0644 or "0644" or "0o644"; default 0644
	DirPerm        fs.FileMode // dir_permissions: of folders that are made; default 0755
}

func readConfig(raw json.RawMessage) (_ Config, unknown []string, _ error) {
	o := chain.ReadOptions(raw)
	c := Config{
		Path:           o.Text("path", "/data/vcons"),
		OrganizeByDate: o.Bool("organize_by_date", true),
		Compression:    o.Bool("compression", false),
		MaxFileSize:    o.Int("max_file_size", 10<<20, 0, math.MaxInt64),
		FilePerm:       mode(o, "file_permissions", 0o644),
		DirPerm:        mode(o, "dir_permissions", 0o755),
	}
	o.Ignore("add_timestamp_to_filename", "filename", "extension") // of older configurations: names hold the uuid
	if c.Path == "" {
		o.Fail("path", "must not be empty")
	}
	if c.DirPerm&0o300 != 0o300 {
		o.Fail("dir_permissions", "must let the owner write and enter")
	}
	return c, o.Unknown(), o.Err()
}

// Storage keeps vCons in a folder. Safe for concurrent use, also by several processes.
type Storage struct {
	c    Config
	root string
	dirs syncer
	// anchored are the folders whose names are known to be on the disk, as those above them.
	anchored sync.Map
	closed   atomic.Bool
}

// Check says everything that is wrong with the options, and which of them do nothing; it makes or looks at no folder.
func Check(options json.RawMessage) (unknown []string, err error) {
	_, unknown, err = readConfig(options)
	return unknown, err
}

// Open makes the folder if need be and checks that it can be written.
func Open(_ context.Context, name string, options json.RawMessage) (chain.Storage, error) {
	c, _, err := readConfig(options)
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", name, err)
	}
	root, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", name, err)
	}
	s := &Storage{c: c, root: root}
	if err := s.mkdirs(s.temp()); err != nil {
		return nil, fmt.Errorf("storage %q: %w", name, err)
	}
	s.sweep(time.Now().Add(-time.Hour))
	return s, nil
}

// Save writes the vCon's file.
func (s *Storage) Save(ctx context.Context, doc *vcon.VCon, _ uint64) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	text := doc.Bytes()
	if s.c.MaxFileSize > 0 && int64(len(text)) > s.c.MaxFileSize {
		return chain.Permanent(fmt.Errorf("save vcon %s: vCon data exceeds max file size: %d bytes > %d bytes", doc.ID(), len(text), s.c.MaxFileSize))
	}
	target := filepath.Join(s.dir(doc), doc.ID().String()+".json")
	other := target + ".gz"
	if s.c.Compression {
		text, target, other = compress(text), other, target
	}
	if err := s.write(target, text); err != nil {
		return fmt.Errorf("save vcon %s: %w", doc.ID(), err)
	}
	if err := os.Remove(other); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("save vcon %s: remove its other form: %w", doc.ID(), err)
	}
	return nil
}

// Get reads the newest file of the vCon.
func (s *Storage) Get(ctx context.Context, id vcon.ID) (*vcon.VCon, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	var newest string
	var when time.Time
	for path := range s.find(id) {
		if info, err := os.Stat(path); err == nil && (newest == "" || info.ModTime().After(when)) {
			newest, when = path, info.ModTime()
		}
	}
	if newest == "" {
		return nil, chain.ErrNotStored
	}
	text, err := read(newest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, chain.ErrNotStored // deleted meanwhile
	}
	if err != nil {
		return nil, fmt.Errorf("read vcon %s: %w", id, err)
	}
	doc, err := vcon.ParseWith(text, vcon.Limits{Bytes: math.MaxInt32})
	if err != nil {
		return nil, fmt.Errorf("read vcon %s: %w", id, err)
	}
	return doc, nil
}

// Delete removes every file of the vCon, and folders that this leaves empty.
func (s *Storage) Delete(ctx context.Context, id vcon.ID) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	var errs []error
	for path := range s.find(id) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("delete vcon %s: %w", id, err))
			continue
		}
		if err := s.removeEmpty(filepath.Dir(path)); err != nil {
			errs = append(errs, fmt.Errorf("delete vcon %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// Close makes further calls fail.
func (s *Storage) Close() error {
	s.closed.Store(true)
	return nil
}

func (s *Storage) ready(ctx context.Context) error {
	if s.closed.Load() {
		return chain.ErrClosed
	}
	return ctx.Err()
}

// dir is the folder of a vCon: by the date of its created_at, as written there.
func (s *Storage) dir(doc *vcon.VCon) string {
	if !s.c.OrganizeByDate {
		return s.root
	}
	if p, err := doc.Payload(); err == nil {
		doc = p // a signed vCon's date stands in what was signed
	}
	v, err := doc.Get("/created_at")
	if err != nil {
		return s.root
	}
	text, ok := v.Text()
	if !ok || len(text) < len(time.DateOnly) {
		return s.root
	}
	day, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	if err != nil || day.Year() < firstYear || day.Year() > lastYear {
		return s.root
	}
	return filepath.Join(s.root, filepath.FromSlash(day.Format("2006/01/02")))
}

func compress(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text) // a bytes.Buffer takes everything
	z.Close()
	return b.Bytes()
}

// read reads a file of either form.
func read(path string) ([]byte, error) {
	if !strings.HasSuffix(path, ".gz") {
		return os.ReadFile(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, math.MaxInt32))
	if err != nil {
		return nil, err
	}
	return text, z.Close()
}

var (
	_ chain.OpenStorage = Open
	_ chain.Reader      = (*Storage)(nil)
	_ chain.Deleter     = (*Storage)(nil)
)
