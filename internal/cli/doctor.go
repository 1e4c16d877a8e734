package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"time"

	"github.com/vconduit/vconduit/internal/app"
)

func doctorCommand() command {
	return command{
		name:  "doctor",
		short: "look at everything that the server on this machine depends on",
		long: "Configuration, rights and room of the data folder, the store with every page, the running server, chains, lists, dead\n" +
			"letters, storages (each is opened), modules (each is compiled), keys, limits, clock. It may be called while the\n" +
			"server runs, as the user that it runs as, with the same environment: that decides what it sees of tokens.\n" +
			"Exit code 0: ok or warnings; 1: something does not work; 2: called wrongly.",
		examples: []string{
			"vconduit doctor",
			"vconduit doctor --config /etc/vconduit/config.yml --data /var/lib/vconduit --within 10m",
			"vconduit doctor --json",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			o := app.DoctorOptions{Options: app.Options{Getenv: io.Getenv}}
			fs.StringVar(&o.Config, "config", "", "configuration `file` (default: CONSERVER_CONFIG_FILE, else ./config.yml)")
			fs.StringVar(&o.Data, "data", "", "data `folder` (default: VCONDUIT_DATA, else ./data)")
			fs.DurationVar(&o.Within, "within", 10*time.Second, "`time` that one check may take: reading the store, opening a storage, compiling a module")
			asJSON := fs.Bool("json", false, "print one JSON object a line")
			return func(ctx context.Context, words []string) error {
				switch {
				case len(words) > 0:
					return usagef("unexpected %q", words[0])
				case o.Within <= 0:
					return usagef("--within %s: want a time above 0", o.Within)
				}
				return examine(ctx, io, o, *asJSON)
			}
		},
	}
}

// examine prints what the doctor finds, as it finds it.
func examine(ctx context.Context, io IO, o app.DoctorOptions, asJSON bool) (err error) {
	if c, err := (&remote{data: o.Data, io: io}).running(); err == nil {
		defer c.close()
		o.Ask = c.ask
	}
	enc, count := json.NewEncoder(io.Out), map[app.Status]int{}
	o.Found = func(f app.Finding) {
		count[f.Status]++
		if err != nil {
			return
		}
		if asJSON {
			err = enc.Encode(f)
			return
		}
		_, err = fmt.Fprintf(io.Out, "%-5s %-10s %s\n", f.Status, f.Check, f.Message)
		if f.Hint != "" && f.Status != app.StatusOK && err == nil {
			_, err = fmt.Fprintf(io.Out, "%16s %s\n", "->", f.Hint)
		}
	}
	app.Doctor(ctx, o)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case !asJSON:
		fmt.Fprintf(io.Out, "%d ok, %d warnings, %d failures\n", count[app.StatusOK], count[app.StatusWarn], count[app.StatusFail])
	}
	if count[app.StatusFail] > 0 {
		return exitError(ExitFail)
	}
	return nil
}

// askWithin is how long the running server may take to answer.
const askWithin = 5 * time.Second

// ask gives the JSON answer of a GET, also one of 503, which says why the server is not ready.
func (c *client) ask(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	r, err := c.send(ctx, request{method: http.MethodGet, path: path})
	switch {
	case err != nil:
		return err
	case r.status != http.StatusOK && r.status != http.StatusServiceUnavailable:
		return r.err()
	}
	return json.Unmarshal(r.body, into)
}
