package api

import (
	"context"
	"errors"
	"testing"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// ledger is an audit log of one vCon.
type ledger struct{ id, err string }

func (l ledger) Of(_ context.Context, id vcon.ID) ([]byte, error) {
	switch {
	case l.err != "":
		return nil, errors.New(l.err)
	case l.id != id.String():
		return nil, queue.ErrNotFound
	}
	return []byte(`{"vcon":"` + l.id + `","records":[{"n":1}],"problems":[]}`), nil
}

func TestAudit(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{}, Audit: ledger{id: id(1)}})
	want(t, client, "GET", "/audit/"+id(1), "", 200, `{"vcon":"`+id(1)+`","records":[{"n":1}],"problems":[]}`)
	want(t, client, "GET", "/audit/"+id(2), "", 404, `{"detail":"No audit records"}`)
	if got := ask(t, client, "GET", "/audit/x", ""); got.status != 422 {
		t.Errorf("no uuid: %d", got.status)
	}
	_, client = serve(t, Options{Store: store{}})
	want(t, client, "GET", "/audit/"+id(1), "", 404, `{"detail":"No audit records"}`)
	_, client = serve(t, Options{Store: store{}, Audit: ledger{err: "a path of the host"}})
	want(t, client, "GET", "/audit/"+id(1), "", 500, `{"detail":"Failed to read the audit log"}`)
}
