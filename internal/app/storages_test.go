package app

import (
	"encoding/json"
	"testing"

	"github.com/vconduit/vconduit/builtin"
	"github.com/vconduit/vconduit/config"
)

// TestLiveRedisIsTheDefault: a storage that names no Redis gets the live store's, as on the Python server.
func TestLiveRedisIsTheDefault(t *testing.T) {
	t.Parallel()
	with := &config.Config{Queue: config.Queue{Redis: config.Redis{URL: []config.Shard{{URL: "redis://:pw@live/1"}, {URL: "redis://other"}}}}}
	redis, ok := builtin.FindStorage("storage.redis_storage")
	if !ok {
		t.Fatal("there is no storage.redis_storage")
	}
	for _, c := range []struct {
		entry   builtin.Storage
		cfg     *config.Config
		options string
		want    string
	}{
		{redis, with, ``, `{"redis_url":"redis://:pw@live/1"}`},
		{redis, with, `{"prefix":"p","expires":1}`, `{"expires":1,"prefix":"p","redis_url":"redis://:pw@live/1"}`},
		{redis, with, `{"redis_url":null}`, `{"redis_url":"redis://:pw@live/1"}`},
		{redis, with, `{"redis_url":""}`, `{"redis_url":"redis://:pw@live/1"}`},
		{redis, with, `{"redis_url":"redis://own"}`, `{"redis_url":"redis://own"}`},
		{redis, with, `{"redis_url":7}`, `{"redis_url":7}`},
		{redis, &config.Config{}, `{"prefix":"p"}`, `{"prefix":"p"}`},
		{builtin.Storage{}, with, `{"path":"p"}`, `{"path":"p"}`},
	} {
		var raw json.RawMessage
		if c.options != "" {
			raw = json.RawMessage(c.options)
		}
		if got := string(storageOptions(c.entry, c.cfg, raw)); got != c.want {
			t.Errorf("options %s become %s, want %s", c.options, got, c.want)
		}
	}
}
