package app

import (
	"io"
	"path/filepath"
)

// Options are what the command line decides. The zero value is `vconduit serve` without flags; Getenv is required.
type Options struct {
	Config   string // file; "" = CONSERVER_CONFIG_FILE, ./config.yml, none
	Listen   string // address; "" = from the configuration
	Role     string // "" or "all"; "api" and "worker" need REDIS_URL
	Data     string // folder of the embedded store; "" = VCONDUIT_DATA, ./data
	Insecure bool   // serve without any token on any address

	Getenv   func(string) string
	Stderr   io.Writer // where the log goes; nil = nowhere
	Terminal bool      // Stderr is a terminal: the log is text, not JSON

	// Watch hears what became of each vCon, beside log and metrics; nil = nobody. It must not block.
	Watch Watcher
}

// DataDir is the folder of the embedded store: flag, VCONDUIT_DATA, ./data.
func DataDir(flag string, getenv func(string) string) string {
	for _, dir := range []string{flag, getenv("VCONDUIT_DATA")} {
		if dir != "" {
			return dir
		}
	}
	return "data"
}

// AdminSocket is the Unix socket on which the server of a data folder serves the folder's owner without a token.
func AdminSocket(dir string) string { return filepath.Join(dir, "admin.sock") }
