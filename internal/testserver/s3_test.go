//go:build unix

package testserver

import (
	"net/http"
	"testing"
)

// The gateway is a real one: it refuses who has not signed.
func TestS3(t *testing.T) {
	t.Parallel()
	at := S3(t)
	p := StartS3(t)
	for _, url := range []string{at.URL, S3At(p).URL} {
		answer, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s answers %s to a request without signature, want 403", url, answer.Status)
		}
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
}
