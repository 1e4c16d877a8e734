package app

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/vconduit/vconduit/api"
	"github.com/vconduit/vconduit/config"
)

// configFile serves GET and POST /config from the file that the server was started with.
type configFile struct {
	a  *App
	mu sync.Mutex // one POST at a time
}

var errNoConfigFile = errors.New("the server runs without a configuration file")

func (f *configFile) open() (*config.Document, error) {
	file := f.a.current.Load().cfg.File
	if file == "" {
		return nil, errNoConfigFile
	}
	return config.OpenDocument(file)
}

// View implements api.ConfigFile.
func (f *configFile) View(_ context.Context, secrets bool) ([]byte, string, error) {
	doc, err := f.open()
	if err != nil {
		return nil, "", err
	}
	return doc.View(secrets), doc.ETag(), nil
}

// Apply implements api.ConfigFile: the new text must be a configuration that the server would start with, else the
// file stays. It takes effect before the answer.
func (f *configFile) Apply(_ context.Context, posted []byte, ifMatch string) ([]api.ConfigProblem, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	doc, err := f.open()
	if err != nil {
		return nil, err
	}
	if ifMatch != "" && ifMatch != doc.ETag() && ifMatch != "*" {
		return nil, api.ErrConfigChanged
	}
	text, report := doc.Apply(posted)
	if problems := apiProblems(report); len(problems) > 0 {
		return problems, nil
	}
	file := f.a.current.Load().cfg.File
	next, report := config.Parse(file, text, loadOptions(f.a.o))
	if next != nil {
		report = f.a.current.Load().cfg.Successor(next)
	}
	if problems := apiProblems(report); len(problems) > 0 {
		return problems, nil
	}
	if err := config.Write(file, text); err != nil {
		return nil, err
	}
	f.a.watcher.Reload()
	return nil, nil
}

func apiProblems(r config.Report) []api.ConfigProblem {
	var out []api.ConfigProblem
	for _, p := range r.Of(config.Error) {
		message := p.Message
		if p.Hint != "" {
			message += " (" + p.Hint + ")"
		}
		out = append(out, api.ConfigProblem{Path: steps(p.Path), Message: message})
	}
	return out
}

// steps takes a path of config apart, as the API names places: chains.main.links[2] -> "chains", "main", "links", 2.
func steps(path string) []any {
	var out []any
	for _, part := range config.SplitPath(path) {
		if n, err := strconv.Atoi(part); err == nil {
			out = append(out, n)
			continue
		}
		out = append(out, part)
	}
	return out
}
