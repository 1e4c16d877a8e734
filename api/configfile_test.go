package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/vconduit/vconduit/config"
)

// onFile is a ConfigFile as internal/app has one: the file at path, "" = none; reload is called after a write.
func onFile(path string, o config.Options, reload func() config.Report) ConfigFile {
	return &configFile{path: path, options: o, reload: reload}
}

type configFile struct {
	path    string
	options config.Options
	reload  func() config.Report
	mu      sync.Mutex // one write at a time, so that If-Match holds until the file is replaced
}

func (f *configFile) View(_ context.Context, secrets bool) ([]byte, string, error) {
	d, err := f.open()
	if err != nil {
		return nil, "", err
	}
	return d.View(secrets), d.ETag(), nil
}

// open reads the file as it is now; one that is not there yet is empty.
func (f *configFile) open() (*config.Document, error) {
	if f.path == "" {
		return nil, errors.New("api: the server runs without a configuration file")
	}
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		return config.NewDocument(f.path, nil)
	}
	return config.OpenDocument(f.path)
}

func (f *configFile) Apply(_ context.Context, json []byte, ifMatch string) ([]ConfigProblem, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, err := f.open()
	if err != nil {
		return nil, err
	}
	if !matches(ifMatch, d.ETag()) {
		return nil, fmt.Errorf("%w: %s", ErrConfigChanged, f.path)
	}
	text, report := d.Apply(json)
	if problems := refusals(report); len(problems) > 0 {
		return problems, nil
	}
	_, report = config.Parse(f.path, text, f.options)
	if problems := refusals(report); len(problems) > 0 {
		return problems, nil
	}
	if err := config.Write(f.path, text); err != nil {
		return nil, err
	}
	if f.reload != nil {
		f.reload()
	}
	return nil, nil
}

// matches is RFC 9110's If-Match: one tag, several, or "*".
func matches(ifMatch, etag string) bool {
	if ifMatch == "" {
		return true
	}
	for tag := range strings.SplitSeq(ifMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag {
			return true
		}
	}
	return false
}

// refusals are the errors of a report; warnings do not stop a write.
func refusals(report config.Report) []ConfigProblem {
	var out []ConfigProblem
	for _, p := range report.Of(config.Error) {
		message := p.Message
		if p.Hint != "" {
			message += " (" + p.Hint + ")"
		}
		out = append(out, ConfigProblem{Path: configPath(p.Path), Message: message})
	}
	return out
}

// configPath splits chains.main.links[2] into its keys and positions.
func configPath(path string) []any {
	var out []any
	for key := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if n, err := strconv.Atoi(key); err == nil {
			out = append(out, n)
			continue
		}
		out = append(out, key)
	}
	return out
}
