package api

import (
	"context"
	"errors"
	"testing"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// shelf is an archive of documents by uuid.
type shelf struct {
	docs map[string]string
	err  error
	n    int
}

func (a *shelf) Get(_ context.Context, id vcon.ID) (*vcon.VCon, error) {
	a.n++
	if a.err != nil {
		return nil, a.err
	}
	text, ok := a.docs[id.String()]
	if !ok {
		return nil, queue.ErrNotFound
	}
	return vcon.Parse([]byte(text))
}

func TestArchive(t *testing.T) {
	t.Parallel()
	q := open(t)
	a := &shelf{docs: map[string]string{
		id(1): dated(1),
		id(2): dated(2),
		id(3): dated(9),                               // another document than asked for
		id(4): `{"uuid":"` + id(4) + `","parties":7}`, // no document that we would take
	}}
	_, client := serve(t, Options{Store: q, Archive: a})
	want(t, client, "GET", "/vcon/"+id(1), "", 200, dated(1))
	want(t, client, "GET", "/vcon/"+id(1), "", 200, dated(1))
	if a.n != 1 {
		t.Errorf("the storages were asked %d times, want once: the document is live again", a.n)
	}
	want(t, client, "GET", "/vcon", "", 200, list(1))
	want(t, client, "GET", "/vcons?vcon_uuids="+id(2)+"&vcon_uuids="+id(5), "", 200, "["+dated(2)+",null]")
	want(t, client, "GET", "/vcon/"+id(3), "", 404, `{"detail":"vCon not found"}`)
	want(t, client, "GET", "/vcon/"+id(4), "", 404, `{"detail":"vCon not found"}`)
	want(t, client, "GET", "/vcon/"+id(5), "", 404, `{"detail":"vCon not found"}`)
	want(t, client, "GET", "/vcon", "", 200, list(2, 1))

	// Ids that only a storage has can be queued; they come after the others.
	a.docs[id(6)] = dated(6)
	want(t, client, "POST", "/vcon/ingress?ingress_list=in", list(6, 1, 7, 2), 204, ``)
	want(t, client, "GET", "/vcon/egress?egress_list=in&limit=9", "", 200, list(1, 2, 6))

	// Deleted is deleted, although the storage still has it.
	want(t, client, "DELETE", "/vcon/"+id(1), "", 204, ``)
	want(t, client, "GET", "/vcon/"+id(1), "", 404, `{"detail":"vCon not found"}`)

	// A storage that cannot be asked is no reason to say that there is nothing.
	a.err = errors.New("connection refused")
	got := ask(t, client, "GET", "/vcon/"+id(5), "")
	if got.status != 503 || got.body != `{"detail":"Failed to read vCon"}` || got.header.Get("Retry-After") != "1" {
		t.Errorf("broken storage: %d %s", got.status, got.body)
	}
	want(t, client, "GET", "/vcon/"+id(2), "", 200, dated(2))
}
