package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain"
)

// Whether an error is about this one vCon, so that it goes to the dead letters at once.
const (
	passing     = false
	permanently = true
)

// says checks what an error says, and that it tells neither passwords nor documents.
func says(t *testing.T, what string, err error, permanent bool, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: the error does not say %q: %v", what, w, err)
		}
	}
	for _, secret := range []string{testserver.PostgresPassword, "pass\\\\word", "secret words", "\n"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells %q: %v", what, secret, err)
		}
	}
	if chain.IsPermanent(err) != permanent {
		t.Errorf("%s: permanent is %v, want %v: %v", what, !permanent, permanent, err)
	}
	if errors.Is(err, context.Canceled) {
		t.Errorf("%s: the error looks as if the caller had given up: %v", what, err)
	}
}
