package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// archive reads documents that left the live store from the storages of the present configuration, in its order.
type archive struct{ a *App }

// Get asks one storage after the other; the first hit counts. When none has it but some could not be asked, nobody
// knows: that is an error, never "not found".
func (r archive) Get(ctx context.Context, id vcon.ID) (*vcon.VCon, error) {
	var unknown error
	for _, s := range r.a.current.Load().plan.Storages {
		if !s.CanGet() {
			continue
		}
		doc, err := s.Get(ctx, id)
		if err == nil {
			return doc, nil
		}
		if !errors.Is(err, chain.ErrNotStored) {
			unknown = errors.Join(unknown, fmt.Errorf("read vcon %s from storage %s: %w", id, s.Name(), err))
		}
	}
	if unknown != nil {
		return nil, unknown
	}
	return nil, queue.ErrNotFound
}
