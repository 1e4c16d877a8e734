package config

import (
	"os"
	"testing"
)

func TestExampleLoads(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../config.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"ACME_CI_KEY": "a-key-of-some-length", "PG_PASSWORD": "x", "AWS_KEY": "x", "AWS_SECRET": "x", "PEER_TOKEN": "x"}
	c, r := Parse("config.example.yml", text, Options{Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok }})
	for _, p := range r.Problems {
		t.Log(p)
	}
	if c == nil {
		t.Fatal("refused")
	}
}
