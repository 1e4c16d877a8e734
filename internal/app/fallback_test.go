package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/vcon"
)

// fallbackConfig: the storage's block is %STORAGE%.
const fallbackConfig = `
queue: {expiry: 1s}
ingress_auth: {calls: app-test-key-0123456789}
links:
  tag: {module: links.tag, options: {tags: [app]}}
  more: {module: links.tag, options: {tags: [later]}}
storages: {kept: %STORAGE%}
chains:
  main: {ingress_lists: [calls], links: [tag], storages: [kept]}
  again: {ingress_lists: [again], links: [more], storages: [kept]}
`

// TestReadFallback: a vCon that expired in the live store is read from its storage, whole, by the API and by a chain, and
// is deleted there too.
func TestReadFallback(t *testing.T) {
	t.Parallel()
	for name, storage := range map[string]func(t *testing.T) string{
		"file": func(t *testing.T) string {
			return fmt.Sprintf(`{module: storage.file, options: {path: %q}}`, t.TempDir())
		},
		"redis": func(t *testing.T) string {
			return fmt.Sprintf(`{module: storage.redis_storage, options: {redis_url: %q, prefix: %q}}`,
				testserver.Redis(t), "app-"+vcon.NewID("example.com").String())
		},
		"postgres": func(t *testing.T) string {
			return "{module: storage.postgres, options: " + postgresOptions(t) + "}"
		},
		"s3": func(t *testing.T) string {
			p := testserver.StartS3(t)
			if err := os.Mkdir(filepath.Join(p.Dir, "data", "vcons"), 0o755); err != nil { // a bucket, to this server
				t.Fatal(err)
			}
			at := testserver.S3At(p)
			return fmt.Sprintf(`{module: storage.s3, options: {endpoint_url: %q, aws_region: %q, aws_access_key_id: %q, aws_secret_access_key: %q, aws_bucket: vcons}}`,
				at.URL, at.Region, at.ID, at.Secret)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readFallback(t, startApp(t, strings.Replace(fallbackConfig, "%STORAGE%", storage(t), 1), nil))
		})
	}
}

func readFallback(t *testing.T, r *running) {
	id := vcon.NewID("example.com")
	if status, body := r.call("POST", "/vcon/external-ingress?ingress_list=calls", document(id), "app-test-key-0123456789"); status != http.StatusNoContent {
		t.Fatal(status, body)
	}
	r.gone(id)
	if status, body := r.call("GET", "/vcon/"+id.String(), "", ""); status != http.StatusOK || !strings.Contains(body, "app:app") {
		t.Fatalf("from the storage: %d %s", status, body)
	}
	r.gone(id)
	if status, body := r.call("POST", "/vcon/ingress?ingress_list=again", fmt.Sprintf("[%q]", id), ""); status != http.StatusNoContent {
		t.Fatal(status, body)
	}
	r.until("worked by a chain", func() error {
		_, body := r.call("GET", "/vcon/"+id.String(), "", "")
		if !strings.Contains(body, "app:app") || !strings.Contains(body, "later:later") {
			return errors.New(body)
		}
		return nil
	})
	r.gone(id)
	if _, body := r.call("GET", "/vcon/"+id.String(), "", ""); !strings.Contains(body, "later:later") {
		t.Errorf("what the chain did is not in the storage: %s", body)
	}
	if status, _ := r.call("DELETE", "/vcon/"+id.String(), "", ""); status != http.StatusNoContent {
		t.Fatal(status)
	}
	r.until("gone from the storage", func() error {
		if status, _ := r.call("GET", "/vcon/"+id.String(), "", ""); status != http.StatusNotFound {
			return fmt.Errorf("status %d", status)
		}
		return nil
	})
}

// gone waits until the live store has let go of a vCon.
func (r *running) gone(id vcon.ID) {
	r.t.Helper()
	r.until("gone from the live store", func() error {
		if _, _, err := r.store.Get(r.t.Context(), id); err == nil {
			return errors.New("still there")
		}
		return nil
	})
}

// postgresOptions are the options of a storage with a table of its own.
func postgresOptions(t testing.TB) string {
	t.Helper()
	at, err := url.Parse(testserver.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	options, err := json.Marshal(map[string]string{
		"host": at.Hostname(), "port": at.Port(), "user": at.User.Username(), "password": password,
		"database": strings.TrimPrefix(at.Path, "/"), "table_name": "t" + strings.ReplaceAll(vcon.NewID("example.com").String(), "-", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(options)
}
