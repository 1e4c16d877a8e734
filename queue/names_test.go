package queue

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckListName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"in", "external ingress", "kunden-müller", "a:b", "VCONS", "dlq:x", strings.Repeat("x", MaxListName)} {
		if err := CheckListName(name); err != nil {
			t.Errorf("CheckListName(%q): %v", name, err)
		}
	}
	for name, says := range map[string]string{
		"":                                 "empty",
		SortedSetName:                      "index",
		strings.Repeat("x", MaxListName+1): "257 bytes",
		"a\xffb":                           "UTF-8",
		"a\nb":                             "control character",
		"a\x7fb":                           "control character",
		"vconduit:delete":                  `"vconduit:"`,
		"vcon:x":                           `"vcon:"`,
		"context:in:x":                     `"context:"`,
		"tel:+1555":                        `"tel:"`,
		"mailto:a@example.com":             `"mailto:"`,
		"name:Ann":                         `"name:"`,
		"storage:pg":                       `"storage:"`,
		"DLQ:in":                           `"DLQ:"`,
	} {
		err := CheckListName(name)
		if !errors.Is(err, ErrListName) || !strings.Contains(err.Error(), says) {
			t.Errorf("CheckListName(%q) = %v, want ErrListName that says %q", name, err, says)
		}
	}
}

func TestInternalListsAreNoListNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{DeleteList, ResaveList, DLQ("in"), StoragePrefix + "pg"} {
		if err := CheckListName(name); !errors.Is(err, ErrListName) {
			t.Errorf("CheckListName(%q) = %v", name, err)
		}
	}
}

func TestAttemptCountsTriesAndCrashes(t *testing.T) {
	t.Parallel()
	l := Lease{Tries: 2, Crashes: SuspectAfter}
	if l.Attempt() != 6 || !l.Suspect() || l.Alive() {
		t.Errorf("attempt %d, suspect %v, alive %v", l.Attempt(), l.Suspect(), l.Alive())
	}
	if l.Crashes--; l.Suspect() {
		t.Error("suspect too early")
	}
}
