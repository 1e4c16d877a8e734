package queue

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxListName is the longest list name in bytes.
const MaxListName = 256

// SortedSetName is the default name of the Python server's sorted set of all vCons; it is no list name.
const SortedSetName = "vcons"

var reservedPrefixes = []string{"vconduit:", "vcon:", "context:", "tel:", "mailto:", "name:", StoragePrefix, "DLQ:"}

// CheckListName refuses names that would collide with other keys of the shared store, or that nobody could type:
// empty, "vcons", a reserved prefix, not UTF-8, control characters, over 256 bytes. Errors wrap ErrListName.
func CheckListName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrListName)
	case name == SortedSetName:
		return fmt.Errorf("%w: %q is the name of the index", ErrListName, name)
	case len(name) > MaxListName:
		return fmt.Errorf("%w: %d bytes, at most %d", ErrListName, len(name), MaxListName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: not UTF-8", ErrListName)
	}
	for _, r := range name {
		if r < 0x20 || r == 0x7f {
			return fmt.Errorf("%w: it holds a control character", ErrListName)
		}
	}
	for _, p := range reservedPrefixes {
		if strings.HasPrefix(name, p) {
			return fmt.Errorf("%w: %q begins with the reserved prefix %q", ErrListName, name, p)
		}
	}
	return nil
}

// DLQ is the name of a list's dead-letter list, as the Python server names it.
func DLQ(list string) string { return "DLQ:" + list }
