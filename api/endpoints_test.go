package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// id is the n-th uuid of these tests.
func id(n int) string { return fmt.Sprintf("018e0000-0000-8000-8000-%012d", n) }

// dated is the n-th document: created in the n-th minute, with one party of its own.
func dated(n int) string {
	return fmt.Sprintf(`{ "uuid":"%s","vcon":"0.0.1", "created_at":"2024-01-15T10:%02d:00Z","parties":[{"tel":"+1202555%04d","mailto":"p%d@a.example","name":"Ann"}],"x":1.0}`, id(n), n, n, n)
}

func list(ids ...int) string {
	quoted := make([]string, 0, len(ids))
	for _, n := range ids {
		quoted = append(quoted, `"`+id(n)+`"`)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

// want sends a request and compares status and body.
func want(t *testing.T, client *http.Client, method, path, body string, status int, answer string) {
	t.Helper()
	got := ask(t, client, method, path, body)
	if got.status != status || got.body != answer {
		t.Errorf("%s %s:\n got %d %s\nwant %d %s", method, path, got.status, got.body, status, answer)
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t), Settings: Settings{RootPath: "/api"}})
	for n := range 5 {
		want(t, client, "POST", "/vcon", dated(n), 201, dated(n))
	}
	want(t, client, "GET", "/vcon/"+id(3), "", 200, dated(3))
	want(t, client, "GET", "/api/vcon/"+strings.ToUpper(id(3)), "", 200, dated(3))
	want(t, client, "GET", "/vcon/urn:uuid:"+id(3), "", 200, dated(3))
	want(t, client, "GET", "/vcon/%7B"+id(3)+"%7D", "", 200, dated(3))
	want(t, client, "GET", "/vcon/"+id(9), "", 404, `{"detail":"vCon not found"}`)
	want(t, client, "GET", "/vcons?vcon_uuids="+id(1)+"&vcon_uuids="+id(9)+"&vcon_uuids="+id(0), "", 200, "["+dated(1)+",null,"+dated(0)+"]")

	for _, tt := range []struct{ query, want string }{
		{"", list(4, 3, 2, 1, 0)},
		{"?size=2", list(4, 3)},
		{"?size=2&page=2", list(2, 1)},
		{"?size=2&page=3", list(0)},
		{"?size=2&page=4", `[]`},
		{"?page=0", `[]`},
		{"?page=-1", `[]`},
		{"?size=0", `[]`},
		{"?size=-1", list(4, 3, 2, 1, 0)},
		{"?size=-1&page=2", `[]`},
		{"?page=9223372036854775807&size=9223372036854775807", `[]`},
		{"?since=2024-01-15T10:02:00Z", list(4, 3, 2)},
		{"?until=2024-01-15T10:02:00%2B00:00", list(2, 1, 0)},
		{"?since=2024-01-15T12:01:00%2B02:00&until=1705312920", list(2, 1)},
		{"?since=1705312920000&unknown=1", list(4, 3, 2)},
		{"?since=2024-01-16", `[]`},
		{"?until=2024-01-14", `[]`},
		{"?size=-1&until=2024-01-14", `[]`},
	} {
		want(t, client, "GET", "/vcon"+tt.query, "", 200, tt.want)
	}
	for _, tt := range []struct {
		query, want string
		status      int
	}{
		{"", `{"detail":"At least one search parameter must be provided"}`, 400},
		{"?tel=", `[]`, 200},
		{"?tel=%2B12025550002", list(2), 200},
		{"?tel=tel:%2B12025550002", list(2), 200},
		{"?name=Ann&mailto=p1@a.example", list(1), 200},
		{"?name=Ann&mailto=nobody@a.example", `[]`, 200},
		{"?name=ann", `[]`, 200},
		{"?name=Ann", list(4, 3, 2, 1, 0), 200},
	} {
		want(t, client, "GET", "/vcons/search"+tt.query, "", tt.status, tt.want)
	}
	want(t, client, "GET", "/index_vcons", "", 200, `5`)

	want(t, client, "DELETE", "/vcon/"+id(3), "", 204, ``)
	want(t, client, "DELETE", "/vcon/"+id(3), "", 204, ``)
	want(t, client, "DELETE", "/vcon/"+id(9), "", 204, ``)
	want(t, client, "GET", "/vcon/"+id(3), "", 404, `{"detail":"vCon not found"}`)
	want(t, client, "GET", "/vcon", "", 200, list(4, 2, 1, 0))
	want(t, client, "GET", "/vcons/search?name=Ann", "", 200, list(4, 2, 1, 0))
}

func TestEgressFormat(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t), Settings: Settings{EgressFormat: "0.0.1"}})
	text := `{"uuid":"` + id(1) + `","vcon":"0.4.0","attachments":[{"purpose":"tags","mediatype":"text/plain","body":"[\"a:b\"]","encoding":"json"}]}`
	want(t, client, "POST", "/vcon", text, 201, text)
	got := ask(t, client, "GET", "/vcon/"+id(1), "")
	for _, member := range []string{`"vcon":"0.0.1"`, `"type":"tags"`, `"mimetype":"text/plain"`} {
		if !strings.Contains(got.body, member) {
			t.Errorf("%s is missing: %s", member, got.body)
		}
	}
	want(t, client, "GET", "/vcons?vcon_uuids="+id(1), "", 200, "["+got.body+"]")
}

func TestLists(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t), Settings: Settings{Lists: map[string]bool{"in": true}}})
	for n := range 4 {
		want(t, client, "POST", "/vcon?ingress_list=in", dated(n), 201, dated(n))
	}
	want(t, client, "GET", "/stats/queue?list_name=in", "", 200, `{"list_name":"in","depth":4}`)
	want(t, client, "GET", "/stats/queue?list_name=none", "", 200, `{"list_name":"none","depth":0}`)
	want(t, client, "GET", "/vcon/count?egress_list=in", "", 200, `4`)
	want(t, client, "GET", "/vcon/egress?egress_list=in&limit=0", "", 200, `[]`)
	want(t, client, "GET", "/vcon/egress?egress_list=in&limit=-5", "", 200, `[]`)
	want(t, client, "GET", "/vcon/egress?egress_list=in", "", 200, list(0))
	want(t, client, "GET", "/vcon/egress?egress_list=in&limit=2", "", 200, list(1, 2))
	want(t, client, "GET", "/vcon/egress?egress_list=in&limit=99999999999", "", 200, list(3))
	want(t, client, "GET", "/vcon/egress?egress_list=in", "", 200, `[]`)

	want(t, client, "POST", "/vcon/ingress?ingress_list=in", `[]`, 204, ``)
	want(t, client, "POST", "/vcon/ingress?ingress_list=in", `["`+id(2)+`","`+id(9)+`","urn:uuid:`+id(1)+`"]`, 204, ``)
	want(t, client, "GET", "/vcon/count?egress_list=in", "", 200, `2`)

	// With ack the ids come back unless they are acknowledged.
	got := ask(t, client, "GET", "/vcon/egress?egress_list=in&limit=5&ack=true", "")
	taken := asArray(parseJSON(t, got.body))
	if len(taken) != 2 || asObject(taken[0])["uuid"] != id(2) {
		t.Fatalf("ack=true: %d %s", got.status, got.body)
	}
	want(t, client, "GET", "/vcon/egress?egress_list=in", "", 200, `[]`)
	want(t, client, "POST", "/vcon/egress/ack?egress_list=in", got.body, 200, `2`)
	want(t, client, "POST", "/vcon/egress/ack?egress_list=in", got.body, 200, `0`)
	want(t, client, "POST", "/vcon/egress/ack?egress_list=in", `[]`, 200, `0`)
}

func TestEgressAckRunsOut(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t), Settings: Settings{EgressAck: 50 * time.Millisecond}})
	want(t, client, "POST", "/vcon?ingress_list=out", dated(1), 201, dated(1))
	if got := ask(t, client, "GET", "/vcon/egress?egress_list=out&ack=1", ""); len(asArray(parseJSON(t, got.body))) != 1 {
		t.Fatalf("got %s", got.body)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		got := ask(t, client, "GET", "/vcon/egress?egress_list=out", "")
		if got.body == list(1) {
			return
		}
		if got.body != "[]" || time.Now().After(deadline) {
			t.Fatalf("never came back: %s", got.body)
		}
	}
}

func TestRepost(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t)})
	key := "Idempotency-Key: order-7"
	for range 2 {
		if got := ask(t, client, "POST", "/vcon?ingress_list=a", dated(1), key); got.status != 201 || got.body != dated(1) {
			t.Fatalf("got %d %s", got.status, got.body)
		}
	}
	want(t, client, "GET", "/vcon/count?egress_list=a", "", 200, `1`)
	got := ask(t, client, "POST", "/vcon?ingress_list=a", strings.Replace(dated(1), "1.0", "2.0", 1), key)
	if got.status != 422 || !strings.Contains(got.body, `"type":"idempotency_key_reused"`) {
		t.Errorf("another body under the same key: %d %s", got.status, got.body)
	}
	want(t, client, "GET", "/vcon/"+id(1), "", 200, dated(1))
}

func TestBatch(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t)})
	bad := `{"uuid":"` + id(3) + `","dialog":{}}`
	body := "[" + dated(1) + "," + bad + ",7,{}, " + dated(2) + "]"
	want(t, client, "POST", "/vcons?ingress_lists=a,b", body, 200, `[{"uuid":"`+id(1)+`","status":201,"detail":null},`+
		`{"uuid":"`+id(3)+`","status":422,"detail":[{"loc":["body",1,"dialog"],"msg":"value is not a valid list","type":"type_error.list"}]},`+
		`{"uuid":null,"status":422,"detail":[{"loc":["body",2],"msg":"value is not a valid dict","type":"type_error.dict"}]},`+
		`{"uuid":null,"status":422,"detail":[{"loc":["body",3,"uuid"],"msg":"field required","type":"value_error.missing"}]},`+
		`{"uuid":"`+id(2)+`","status":201,"detail":null}]`)
	want(t, client, "GET", "/vcon/egress?egress_list=a&limit=9", "", 200, list(1, 2))
	want(t, client, "GET", "/vcon/egress?egress_list=b&limit=9", "", 200, list(1, 2))
	want(t, client, "GET", "/vcon/"+id(1), "", 200, dated(1))
	want(t, client, "POST", "/vcons", "[]", 200, `[]`)
	want(t, client, "POST", "/vcons", dated(4), 422, `{"detail":[{"loc":["body"],"msg":"value is not a valid list","type":"type_error.list"}]}`)
	want(t, client, "POST", "/vcons", "["+dated(4)+",", 422, `{"detail":[{"loc":["body",`+fmt.Sprint(len(dated(4))+1)+`],"msg":"unexpected end of JSON input","type":"value_error.jsondecode"}]}`)
	want(t, client, "GET", "/vcon/"+id(4), "", 404, `{"detail":"vCon not found"}`)
}

// kill makes dead letters of everything on a list.
func kill(t *testing.T, q queue.Queue, list, link, reason string) {
	t.Helper()
	leases, err := q.Lease(t.Context(), queue.Want{Lists: []queue.Weighted{{Name: list}}, Max: 10, TTL: time.Minute, Owner: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leases {
		if err := q.Fail(t.Context(), l, queue.Failure{Reason: reason, Link: link, Detail: "it broke", Attempt: l.Attempt()}); err != nil {
			t.Fatal(err)
		}
	}
}

// A deletion that a storage refused for too long is seen and ordered again like any other dead letter.
func TestDeadDeletions(t *testing.T) {
	t.Parallel()
	q := open(t)
	_, client := serve(t, Options{Store: q})
	want(t, client, "POST", "/vcon", dated(1), 201, dated(1))
	want(t, client, "DELETE", "/vcon/"+id(1), "", 204, "")
	kill(t, q, queue.DeleteList, "", "delete_failed")
	want(t, client, "GET", "/dlq?ingress_list="+queue.DeleteList, "", 200, list(1))
	want(t, client, "POST", "/dlq/reprocess?ingress_list="+queue.DeleteList, "", 200, `1`)
	want(t, client, "GET", "/dlq?ingress_list="+queue.DeleteList, "", 200, `[]`)
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	q := open(t)
	_, client := serve(t, Options{Store: q})
	for n := range 3 {
		want(t, client, "POST", "/vcon?ingress_list=in", dated(n), 201, dated(n))
		kill(t, q, "in", fmt.Sprintf("link%d", n), "link_failed")
	}
	want(t, client, "GET", "/dlq?ingress_list=in", "", 200, list(0, 1, 2))
	want(t, client, "GET", "/dlq?ingress_list=other", "", 200, `[]`)
	want(t, client, "GET", "/stats/queue?list_name=DLQ:in", "", 200, `{"list_name":"DLQ:in","depth":3}`)

	got := ask(t, client, "GET", "/dlq/entries?ingress_list=in&offset=1&limit=1", "")
	entries := asArray(parseJSON(t, got.body))
	if len(entries) != 1 {
		t.Fatalf("entries: %d %s", got.status, got.body)
	}
	entry := asObject(entries[0])
	for name, value := range map[string]any{"uuid": id(1), "ingress_list": "in", "reason": "link_failed", "link": "link1", "detail": "it broke", "stage": "links", "storage": ""} {
		if entry[name] != value {
			t.Errorf("%s: %v, want %v", name, entry[name], value)
		}
	}
	if at, err := time.Parse(time.RFC3339, entry["at"].(string)); err != nil || time.Since(at) > time.Minute {
		t.Errorf("at: %v (%v)", entry["at"], err)
	}

	for query, n := range map[string]int{
		"?ingress_list=in": 3, "": 3, "?ingress_list=other": 0, "?ingress_list=storage:files": 0, "?link=link2": 1, "?ingress_list=in&link=x": 0,
		"?reason=link_failed": 3, "?reason=x": 0, "?since=2024-01-01": 3, "?since=2124-01-01": 0, "?vcon_uuid=" + id(0): 1, "?offset=2": 1, "?limit=2": 2,
	} {
		if got := ask(t, client, "GET", "/dlq/entries"+query, ""); got.status != 200 || len(asArray(parseJSON(t, got.body))) != n {
			t.Errorf("/dlq/entries%s: %d %s, want %d", query, got.status, got.body, n)
		}
	}

	want(t, client, "POST", "/dlq/reprocess?ingress_list=in&link=link2", "", 200, `1`)
	want(t, client, "POST", "/dlq/reprocess?ingress_list=in&vcon_uuid="+id(0)+"&from=start", "", 200, `1`)
	want(t, client, "GET", "/dlq?ingress_list=in", "", 200, list(1))
	want(t, client, "GET", "/vcon/egress?egress_list=in&limit=9", "", 200, list(2, 0))
	want(t, client, "POST", "/dlq/reprocess?ingress_list=in&count=1", "", 200, `1`)
	want(t, client, "POST", "/dlq/reprocess?ingress_list=in", "", 200, `0`)
	kill(t, q, "in", "again", "link_failed")
	want(t, client, "POST", "/dlq/purge?ingress_list=in&reason=other", "", 200, `0`)
	want(t, client, "POST", "/dlq/purge?ingress_list=in&reason=link_failed&since=2024-01-01", "", 200, `1`)
	want(t, client, "GET", "/dlq?ingress_list=in", "", 200, `[]`)
	want(t, client, "GET", "/vcon/"+id(1), "", 404, `{"detail":"vCon not found"}`)
}

func TestReady(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{health: queue.Health{Detail: "no disk"}}})
	want(t, client, "GET", "/ready", "", 503, `{"ok":false,"store":"","tier":"","detail":"no disk"}`)
	_, client = serve(t, Options{Store: store{}, Ready: func(context.Context) (int, any) {
		return 503, map[string]string{"held": "main_chain"}
	}})
	want(t, client, "GET", "/ready", "", 503, `{"held":"main_chain"}`)
	want(t, client, "GET", "/health", "", 200, `{"status":"healthy","version":{"version":"dev","git_commit":"unknown","build_time":"unknown"}}`)
}

// Signed and encrypted documents go in and come out as they are.
func TestSealedDocuments(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t)})
	jwe := `{"unprotected":{"cty":"application/vcon","enc":"A256CBC-HS512","uuid":"` + id(1) + `"},"recipients":[{"header":{"alg":"RSA-OAEP"},"encrypted_key":"AAAA"}],"iv":"AAAA","ciphertext":"AAAA","tag":"AAAA"}`
	// {"uuid":"018e0000-0000-8000-8000-000000000002","parties":[]}
	jws := `{"payload":"eyJ1dWlkIjoiMDE4ZTAwMDAtMDAwMC04MDAwLTgwMDAtMDAwMDAwMDAwMDAyIiwicGFydGllcyI6W119","signatures":[{"header":{"alg":"RS256","x5u":"https://a.example/c"},"protected":"eyJhbGciOiJSUzI1NiJ9","signature":"AAAA"}]}`
	for n, text := range map[int]string{1: jwe, 2: jws} {
		want(t, client, "POST", "/vcon", text, 201, text)
		want(t, client, "GET", "/vcon/"+id(n), "", 200, text)
	}
}

// Reprocess from=failed, the default, keeps the finished steps; from=start forgets them.
func TestReprocessFrom(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int{"": 1, "&from=failed": 1, "&from=start": 0} {
		q := open(t)
		_, client := serve(t, Options{Store: q})
		ask(t, client, "POST", "/vcon?ingress_list=in", dated(1))
		l := lease(t, q)
		if err := q.Checkpoint(t.Context(), l, queue.Progress{Done: []queue.Step{"first#1"}}); err != nil {
			t.Fatal(err)
		}
		if err := q.Fail(t.Context(), l, queue.Failure{Reason: "link_failed", Link: "second"}); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, client, "POST", "/dlq/reprocess?ingress_list=in"+query, ""); got.body != "1" {
			t.Fatalf("reprocess: %d %s", got.status, got.body)
		}
		if again := lease(t, q); len(again.Done) != want {
			t.Errorf("%q: steps done: %v, want %d", query, again.Done, want)
		}
	}
}

func lease(t *testing.T, q queue.Queue) *queue.Lease {
	t.Helper()
	leases, err := q.Lease(t.Context(), queue.Want{Lists: []queue.Weighted{{Name: "in"}}, Max: 1, TTL: time.Minute, Owner: "test"})
	if err != nil || len(leases) != 1 {
		t.Fatalf("lease: %v %v", leases, err)
	}
	return leases[0]
}
