//go:build unix

package testserver

import (
	"context"
	"os"
	"testing"
)

func TestRedis(t *testing.T) {
	t.Parallel()
	if os.Getenv("VCONDUIT_TEST_REDIS_URL") == "" {
		if got := Redis(t); got != Redis(t) {
			t.Errorf("the second test gets another Redis than %s", got)
		}
	}
	p := StartRedis(t, "--requirepass", "x")
	if err := pingRedis(context.Background(), p); err != nil {
		t.Error(err)
	}
}
