package api

import (
	"context"
	"testing"
	"time"

	"github.com/vconduit/vconduit/queue"
)

// owe finishes everything on a list with a failed save in each of the storages.
func owe(t *testing.T, q queue.Queue, list string, storages ...string) {
	t.Helper()
	leases, err := q.Lease(t.Context(), queue.Want{Lists: []queue.Weighted{{Name: list}}, Max: 10, TTL: time.Minute, Owner: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leases {
		var o queue.Outcome
		for _, name := range storages {
			o.StorageFailures = append(o.StorageFailures, queue.Failure{Reason: "storage_failed", Storage: name, Detail: "it is full"})
		}
		if err := q.Finish(t.Context(), l, o); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStorageDeadLetters(t *testing.T) {
	t.Parallel()
	q := open(t)
	_, client := serve(t, Options{Store: q})
	for n := range 2 {
		want(t, client, "POST", "/vcon?ingress_list=in", dated(n), 201, dated(n))
		owe(t, q, "in", "files", "pg")
	}
	want(t, client, "POST", "/vcon?ingress_list=in", dated(2), 201, dated(2))
	kill(t, q, "in", "link", "link_failed")

	for query, n := range map[string]int{
		"": 4, "?storage=pg": 2, "?storage=s3": 0, "?storage=pg&limit=1": 1, "?offset=3": 1, "?vcon_uuid=" + id(0): 2,
		"?storage=files&reason=storage_failed": 2, "?reason=link_failed": 0, "?since=2124-01-01": 0,
	} {
		got := ask(t, client, "GET", "/dlq/storage"+query, "")
		entries := asArray(parseJSON(t, got.body))
		if got.status != 200 || len(entries) != n {
			t.Errorf("/dlq/storage%s: %d %s, want %d", query, got.status, got.body, n)
		}
		for _, e := range entries {
			if e := asObject(e); e["detail"] != "it is full" || e["ingress_list"] != "storage:"+e["storage"].(string) {
				t.Errorf("/dlq/storage%s: %v", query, e)
			}
		}
	}

	want(t, client, "POST", "/dlq/storage/reprocess?storage=s3", "", 200, `0`)
	want(t, client, "POST", "/dlq/storage/reprocess?storage=pg&vcon_uuid="+id(1), "", 200, `1`)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // Lease waits for a save that was never queued
	defer cancel()
	leases, err := q.Lease(ctx, queue.Want{Lists: []queue.Weighted{{Name: queue.ResaveList}}, Max: 10, TTL: time.Minute, Owner: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if len(leases) != 1 || leases[0].ID.String() != id(1) || len(leases[0].Left) != 1 || leases[0].Left[0] != "pg" {
		t.Fatalf("queued saves: %+v, want one of %s in pg", leases, id(1))
	}
	want(t, client, "POST", "/dlq/storage/reprocess?storage=files&count=1", "", 200, `1`)
	want(t, client, "GET", "/dlq?ingress_list=in", "", 200, list(2))
}
