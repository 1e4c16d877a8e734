package cli

import (
	"bufio"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// lineReader reads lines and knows a hash of all that it has read.
type lineReader struct {
	file   *os.File // nil for standard input
	r      *bufio.Reader
	hash   hash.Hash
	n      int    // lines read
	before string // sum before the last line
}

// openLines opens a file, or standard input for "-", and unpacks gzip.
func openLines(name string, stdin io.Reader) (*lineReader, error) {
	l := &lineReader{hash: sha256.New()}
	src := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		l.file, src = f, f
	}
	l.r = bufio.NewReaderSize(src, 64<<10)
	if magic, _ := l.r.Peek(2); string(magic) == "\x1f\x8b" {
		zr, err := gzip.NewReader(l.r)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("unpack gzip: %w", err), l.close())
		}
		l.r = bufio.NewReaderSize(zr, 64<<10)
	}
	return l, nil
}

func (l *lineReader) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// next is the next line without its end, in memory of its own. io.EOF: there is none.
func (l *lineReader) next() (line []byte, err error) {
	before := l.sum()
	for {
		part, err := l.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxFile:
			return nil, errors.New("longer than 1 GiB")
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0, err == nil:
		default:
			return nil, err
		}
		l.hash.Write(line)
		l.n, l.before = l.n+1, before
		return trimEnd(line), nil
	}
}

// trimEnd takes the end of a line away, whichever system wrote it.
func trimEnd(line []byte) []byte {
	for _, end := range []byte("\n\r") {
		if n := len(line); n > 0 && line[n-1] == end {
			line = line[:n-1]
		}
	}
	return line
}

// sum is the SHA-256 of all lines so far.
func (l *lineReader) sum() string { return hex.EncodeToString(l.hash.Sum(nil)) }

// importNotes are what is kept beside a file that is being imported.
type importNotes struct {
	Run      string `json:"run"` // random: the server recognises by it what it has of this import
	List     string `json:"list"`
	Lines    int    `json:"lines"` // these are done
	Sum      string `json:"sum"`   // SHA-256 of them
	Imported int    `json:"imported"`
	Failed   int    `json:"failed"`

	path string // "": standard input, nothing is kept
}

// openNotes begins an import, or with resume goes on with one: what is done is read over then.
func openNotes(file, list string, resume bool, in *lineReader) (*importNotes, error) {
	n := &importNotes{Run: "import-" + rand.Text(), List: list}
	if file == "-" {
		return n, nil
	}
	n.path = file + ".import"
	text, err := os.ReadFile(n.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return n, n.save(0, in.sum())
	case err != nil:
		return nil, err
	case !resume:
		return nil, usagef("an earlier import of this file was not finished: --resume goes on with it; remove %s to begin anew", n.path)
	}
	if err := json.Unmarshal(text, n); err != nil || n.Run == "" {
		return nil, fmt.Errorf("%s is not what an import left: remove it to begin anew", n.path)
	}
	if n.List != list {
		return nil, usagef("the import that was not finished went to list %q: give the same --list, or remove %s to begin anew", n.List, n.path)
	}
	for in.n < n.Lines {
		if _, err := in.next(); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("line %d: %w", in.n+1, err)
		} else if err != nil {
			break
		}
	}
	if in.n != n.Lines || in.sum() != n.Sum {
		return nil, fmt.Errorf("the lines that were imported are not those of this file any more: remove %s to begin anew", n.path)
	}
	return n, nil
}

// save notes that the first lines are done.
func (n *importNotes) save(lines int, sum string) error {
	n.Lines, n.Sum = lines, sum
	if n.path == "" {
		return nil
	}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(n.path), filepath.Base(n.path)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(text, '\n'))
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), n.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// remove ends the notes of an import that is done.
func (n *importNotes) remove() error {
	if n.path == "" {
		return nil
	}
	return os.Remove(n.path)
}

func (n *importNotes) hint() string {
	if n.path == "" {
		return ""
	}
	return "; --resume goes on from there"
}
