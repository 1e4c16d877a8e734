package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Format is the version of this package's format. A reader takes every version up to its own.
const Format = 1

// The members that are not files of the store.
const (
	headName = "vconduit-backup.json"
	sumsName = "SHA256SUMS"
)

// Head says what a backup holds.
type Head struct {
	Format   int             `json:"format"`
	Vconduit string          `json:"vconduit"` // version of the program that made it
	Created  time.Time       `json:"created"`  // moment of the snapshot, to the second
	Files    int64           `json:"files"`    // members but this one and the last
	Bytes    int64           `json:"bytes"`    // sum of their sizes
	Counts   json.RawMessage `json:"counts"`   // what the store holds, as its package counts it
}

// The errors of a reader. Each text says which member and why.
var (
	ErrDamaged = errors.New("the backup is damaged or incomplete")
	ErrNewer   = errors.New("the backup was made by a newer vconduit")
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
}

// maxHead bounds the first member.
const maxHead = 64 << 10

func parseHead(text []byte) (h Head, err error) {
	if err := json.Unmarshal(text, &h); err != nil {
		return h, damaged("%s: %w", headName, err)
	}
	switch {
	case h.Format > Format:
		return h, fmt.Errorf("%w: its format is %d, this program knows up to %d", ErrNewer, h.Format, Format)
	case h.Format < 1, h.Files < 0, h.Bytes < 0:
		return h, damaged("%s: format %d, %d files, %d bytes", headName, h.Format, h.Files, h.Bytes)
	}
	return h, nil
}

// The bounds of a name: of the whole and of its depth.
const (
	maxName  = 200
	maxDepth = 6
)

// isName reports whether a member may have this name: parts of letters, digits and _ . - that begin with none of the
// latter two, with slashes between.
func isName(name string) bool {
	parts := strings.Split(name, "/")
	if len(name) > maxName || len(parts) > maxDepth {
		return false
	}
	for _, part := range parts {
		if !isPart(part) {
			return false
		}
	}
	return true
}

func isPart(part string) bool {
	for i := range len(part) {
		switch c := part[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		case i > 0 && (c == '.' || c == '-'):
		default:
			return false
		}
	}
	return part != ""
}
