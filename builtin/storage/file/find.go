package file

import (
	"encoding/json"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// find yields the files of a vCon: in the root, and in each day's folder, newest day first. It looks the names up and
// never lists the files of a folder.
func (s *Storage) find(id vcon.ID) iter.Seq[string] {
	name := id.String() + ".json"
	return func(yield func(string) bool) {
		for dir := range s.folders() {
			for _, n := range []string{name, name + ".gz"} {
				path := filepath.Join(dir, n)
				if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && !yield(path) {
					return
				}
			}
		}
	}
}

// Folders are made for the years from firstYear to lastYear.
const firstYear, lastYear = 1900, 2199

// folders yields the root and the day folders.
func (s *Storage) folders() iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(s.root) {
			return
		}
		for y := lastYear; y >= firstYear; y-- { // the root is not listed: it may hold a million files
			year := filepath.Join(s.root, strconv.Itoa(y))
			for _, month := range numbered(year, 2) {
				for _, day := range numbered(month, 2) {
					if !yield(day) {
						return
					}
				}
			}
		}
	}
}

// numbered are the folders in dir whose names are so many digits, highest first.
func numbered(dir string, digits int) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var dirs []string
	for _, e := range slices.Backward(entries) {
		if _, err := strconv.ParseUint(e.Name(), 10, 32); err == nil && len(e.Name()) == digits {
			dirs = append(dirs, filepath.Join(dir, e.Name()))
		}
	}
	return dirs
}

// mode reads permissions: a number as YAML reads 0644 (420), the digits themselves (644), or a text of octal digits
// with or without 0 or 0o in front.
func mode(o *chain.Options, name string, def fs.FileMode) fs.FileMode {
	raw := o.Raw(name)
	if raw == nil || string(raw) == "null" {
		return def
	}
	m, ok := parseMode(raw)
	if !ok {
		o.Fail(name, `must be permissions such as 0644, "0644" or "0o644"`)
		return def
	}
	return m
}

func parseMode(raw json.RawMessage) (fs.FileMode, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		text = strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(text), "0o"), "0")
		n, err := strconv.ParseUint("0"+text, 8, 32)
		return fs.FileMode(n), err == nil && n <= 0o777 && text != ""
	}
	n, err := strconv.ParseUint(string(raw), 10, 32)
	if err != nil {
		return 0, false
	}
	if n > 0o777 {
		n, err = strconv.ParseUint(string(raw), 8, 32)
	}
	return fs.FileMode(n), err == nil && n <= 0o777
}
