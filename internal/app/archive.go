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
// knows: that is an error, never "not found". A configuration that was replaced and closed meanwhile is asked no more.
func (r archive) Get(ctx context.Context, id vcon.ID) (*vcon.VCon, error) {
	doc, err := r.get(ctx, id)
	r.a.build.observer.read(err)
	return doc, err
}

func (r archive) get(ctx context.Context, id vcon.ID) (*vcon.VCon, error) {
	for {
		b := r.a.current.Load()
		doc, err := b.read(ctx, id)
		if !errors.Is(err, chain.ErrClosed) || r.a.current.Load() == b {
			return doc, err
		}
	}
}

func (b *built) read(ctx context.Context, id vcon.ID) (*vcon.VCon, error) {
	var unknown error
	for name, why := range b.unread {
		unknown = errors.Join(unknown, fmt.Errorf("read vcon %s from storage %s, which is not open: %w", id, name, why))
	}
	for _, s := range b.plan.Storages {
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
