package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// TestLinksThatSteer: what links ask for outside the document happens: a delay without a worker held, a list by tag, an end.
func TestLinksThatSteer(t *testing.T) {
	t.Parallel()
	r := startApp(t, `
server: {workers: 1}
ingress_auth: {calls: app-test-key-0123456789, plain: app-test-key-0123456789}
links:
  tag: {module: links.tag, options: {tags: [vip]}}
  wait: {module: links.delay, options: {seconds: 2}}
  route: {module: links.tag_router, options: {tag_routes: {vip: [vips]}, forward_original: false}}
  soon: {module: links.expire_vcon, options: {seconds: 0}}
chains:
  main: {ingress_lists: [calls], links: [tag, wait, route], egress_lists: [never]}
  vips: {ingress_lists: [vips], links: [soon], egress_lists: [done]}
  plain: {ingress_lists: [plain], links: [tag], egress_lists: [quick]}
`, nil)
	post := func(list string) vcon.ID {
		id := vcon.NewID("example.com")
		if status, body := r.call("POST", "/vcon/external-ingress?ingress_list="+list, document(id), "app-test-key-0123456789"); status != http.StatusNoContent {
			t.Fatal(status, body)
		}
		return id
	}
	depth := func(list string) error {
		if _, body := r.call("GET", "/stats/queue?list_name="+list, "", ""); !strings.Contains(body, `"depth":1`) {
			return fmt.Errorf("%s", body)
		}
		return nil
	}
	began := time.Now()
	post("calls")
	post("plain")
	r.until("the only worker is free while a vCon waits", func() error { return depth("quick") })
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the vCon without a delay took %v", took)
	}
	r.until("routed by its tag", func() error { return depth("done") })
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("it waited %v, want 2s", took)
	}
	if depth("never") == nil {
		t.Error("a halted vCon went to its chain's egress list")
	}
}
