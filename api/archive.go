package api

import (
	"errors"
	"fmt"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// fetch reads a document from the storages and puts it back into the live store. What a storage gives is checked first:
// another document, or a part of one, must not take the place of the real one.
func (c *call) fetch(id vcon.ID) (*vcon.VCon, error) {
	doc, err := c.s.archive.Get(c.s.base, id)
	switch {
	case errors.Is(err, queue.ErrNotFound):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: read vcon %s from storages: %w", queue.ErrUnavailable, id, err)
	case doc == nil || doc.ID() != id || !sound(doc):
		c.s.log.Warn("storage gave no usable document", "vcon", id.String())
		return nil, queue.ErrNotFound
	}
	if err := c.s.store.Restore(c.s.base, doc, c.set.RestoreLifetime); err != nil {
		c.s.log.Warn("document of a storage not put back", "vcon", id.String(), "error", err)
		return doc, nil
	}
	// What the store says now wins: a deleted document stays deleted although a storage still has it.
	doc, _, err = c.s.store.Get(c.s.base, id)
	return doc, err
}

func sound(doc *vcon.VCon) bool {
	for _, f := range vcon.Validate(doc, vcon.Lenient) {
		if f.Severity == vcon.Error {
			return false
		}
	}
	return true
}
