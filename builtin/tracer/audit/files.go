package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

const (
	fileSuffix  = ".jsonl"
	indexSuffix = ".index"
	maxFile     = 256 << 20 // bytes of a file that is read; none that is written comes near
)

// nameOf is the name of the file whose first record is n; names sort as numbers do.
func nameOf(n uint64) string { return fmt.Sprintf("%020d%s", n, fileSuffix) }

// firstOf undoes nameOf; 0 for another name.
func firstOf(name string) uint64 {
	digits, ok := strings.CutSuffix(name, fileSuffix)
	if !ok || len(digits) != 20 {
		return 0
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// fileNames are the files of a log, oldest first.
func fileNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if firstOf(e.Name()) > 0 {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes: no file of an audit log is so large", path, info.Size())
	}
	return os.ReadFile(path)
}

// lines are the lines that end, each without its line break.
func lines(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for {
			line, rest, ok := bytes.Cut(text, []byte("\n"))
			if !ok || !yield(line) {
				return
			}
			text = rest
		}
	}
}

// sealed is a file that is written no more. Of its vCons only short hashes are in memory, sorted.
type sealed struct {
	path  string
	size  int64
	ended time.Time
	has   []uint64
}

func newSealed(path string, size int64, heads map[vcon.ID]head) *sealed {
	s := &sealed{path: path, size: size, ended: time.Now()}
	for id := range heads {
		s.has = append(s.has, short(id))
	}
	slices.Sort(s.has)
	return s
}

// openSealed reads a file's index, or makes it from the file.
func openSealed(path string) (*sealed, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	s := &sealed{path: path, size: info.Size(), ended: info.ModTime()}
	index, err := os.ReadFile(s.indexPath())
	if err == nil && len(index)%8 == 0 {
		for i := 0; i < len(index); i += 8 {
			s.has = append(s.has, binary.BigEndian.Uint64(index[i:]))
		}
		if slices.IsSorted(s.has) {
			return s, nil
		}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	heads := map[vcon.ID]head{}
	for line := range lines(text) {
		if r, _, err := ParseRecord(line); err == nil && r.Kind == KindTrace {
			id, _ := vcon.ParseID(r.VCon) // ParseRecord has done so
			heads[id] = head{}
		}
	}
	ended := s.ended
	s = newSealed(path, s.size, heads)
	s.ended = ended
	return s, s.writeIndex()
}

func (s *sealed) indexPath() string { return strings.TrimSuffix(s.path, fileSuffix) + indexSuffix }

// writeIndex saves the hashes. The index is a help: it is made again where it is not there.
func (s *sealed) writeIndex() error {
	var text []byte
	for _, h := range s.has {
		text = binary.BigEndian.AppendUint64(text, h)
	}
	temp := s.indexPath() + ".new"
	if err := os.WriteFile(temp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, s.indexPath())
}

func (s *sealed) mayHave(id vcon.ID) bool {
	_, found := slices.BinarySearch(s.has, short(id))
	return found
}

// headOf finds the last record of a vCon in the file.
func (s *sealed) headOf(id vcon.ID) (h head, ok bool, err error) {
	text, err := readFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return head{}, false, nil // Verify misses the file
	}
	if err != nil {
		return head{}, false, err
	}
	for line := range lines(text) {
		if !mentions(line, id) {
			continue
		}
		if r, sum, err := ParseRecord(line); err == nil && r.Kind == KindTrace && r.VCon == id.String() {
			h, ok = head{r.Seq, sum}, true
		}
	}
	return h, ok, nil
}

// remove takes the file away, index first: an index without file would be nobody's.
func (s *sealed) remove() error {
	if err := os.Remove(s.indexPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// mentions reports whether a line names a vCon somewhere.
func mentions(line []byte, id vcon.ID) bool { return bytes.Contains(line, []byte(id.String())) }

// short tells vCons apart in an index: uuids of one maker differ in few bits.
func short(id vcon.ID) uint64 {
	sum := sha256.Sum256(id[:])
	return binary.BigEndian.Uint64(sum[:])
}
