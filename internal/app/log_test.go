package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/config"
)

// TestLogFollowsReload: level and format of the lines that come change, also for loggers that were made before.
func TestLogFollowsReload(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, l := newLogger(config.Log{Level: "info", Format: "auto"}, Options{Stderr: &out})
	part := log.With("part", "x").WithGroup("g")
	part.Debug("not shown")
	part.Info("first", "n", 1)
	var line struct {
		Msg, Part, Level string
		G                struct{ N int }
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Msg != "first" || line.Part != "x" || line.G.N != 1 || line.Level != "INFO" {
		t.Fatalf("%v: %s", err, &out)
	}
	out.Reset()
	l.apply(config.Log{Level: "debug", Format: "text"})
	part.Debug("second", "n", 2)
	if text := out.String(); !strings.Contains(text, "level=DEBUG msg=second part=x g.n=2") {
		t.Errorf("as text: %s", text)
	}
	out.Reset()
	l.apply(config.Log{Level: "error", Format: "json"})
	part.Warn("not shown")
	if out.Len() > 0 {
		t.Errorf("below the level: %s", &out)
	}
	_, l = newLogger(config.Log{Level: "info", Format: "auto"}, Options{Terminal: true})
	if !l.asText.Load() {
		t.Error("no text on a terminal")
	}
}
