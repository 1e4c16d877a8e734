package builtin

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/builtin/storage/file"
	"github.com/vconduit/vconduit/builtin/storage/postgres"
	"github.com/vconduit/vconduit/builtin/storage/redis"
	"github.com/vconduit/vconduit/builtin/storage/s3"
	"github.com/vconduit/vconduit/builtin/storage/webhook"
	"github.com/vconduit/vconduit/runtime/chain"
)

// Storage is one builtin storage.
type Storage struct {
	Open chain.OpenStorage
	// Check says everything that is wrong with options, and which of them do nothing; it connects to nothing.
	Check func(options json.RawMessage) (unknown []string, err error)
	// Converts: EGRESS_FORMAT_VERSION holds for it, as on the Python server; format_version does for every storage.
	Converts bool
	// Redis is the option with the address of a Redis that, where it is not given, is the live store's (queue.redis.url or
	// REDIS_URL), as on the Python server; "" = it has none.
	Redis string
	// Reads: what it opens is a chain.Reader, so a vCon may be in it even while it cannot be opened.
	Reads bool
}

// storages is the table. Old configs write "server.storage.file" too.
func storages() map[string]Storage {
	return map[string]Storage{
		"storage.file":          {Open: file.Open, Check: file.Check, Reads: true},
		"storage.postgres":      {Open: postgres.Open, Check: postgres.Check, Converts: true, Reads: true},
		"storage.redis_storage": {Open: redis.Open, Check: redis.Check, Redis: "redis_url", Reads: true},
		"storage.s3":            {Open: s3.Open, Check: s3.Check, Converts: true, Reads: true},
		"storage.webhook":       {Open: webhook.Open, Check: webhook.Check},
	}
}

// StorageNames are the modules that FindStorage knows, sorted.
func StorageNames() []string { return slices.Sorted(maps.Keys(storages())) }

// FindStorage gives the builtin storage of a module name.
func FindStorage(module string) (Storage, bool) {
	s, ok := storages()[strings.TrimPrefix(module, "server.")]
	return s, ok
}

// OpenStorage opens a builtin storage; name is the one in the config. Errors: ErrUnknown, and what Open gives.
func OpenStorage(ctx context.Context, module, name string, options json.RawMessage) (chain.Storage, error) {
	s, ok := FindStorage(module)
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, module)
	}
	return s.Open(ctx, name, options)
}
