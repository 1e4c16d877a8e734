package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"github.com/vconduit/vconduit/internal/app"
)

func versionCommand() command {
	return command{
		name:     "version",
		short:    "print version, commit and build time",
		examples: []string{"vconduit version", "vconduit version --json"},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			asJSON := fs.Bool("json", false, "print JSON")
			return func(context.Context, []string) error {
				v := app.Version(io.Getenv)
				if *asJSON {
					return json.NewEncoder(io.Out).Encode(v)
				}
				_, err := fmt.Fprintf(io.Out, "vconduit %s (commit %s, built %s, %s)\n", v.Version, v.GitCommit, v.BuildTime, v.Go)
				return err
			}
		},
	}
}
