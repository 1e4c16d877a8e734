package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/vconduit/vconduit/internal/app"
)

func serveCommand() command {
	return command{
		name:  "serve",
		short: "run the server",
		long: "Configuration: --config, else CONSERVER_CONFIG_FILE, else ./config.yml, else none: it then listens and says how\n" +
			"to get one. A .env file beside the config is read. SIGHUP reloads, SIGTERM and SIGINT drain and stop.\n" +
			"Exit code 2: the configuration is wrong or refused, with every problem printed.",
		examples: []string{
			"vconduit serve",
			"CONSERVER_API_TOKEN=secret vconduit serve --config /etc/vconduit/config.yml --data /var/lib/vconduit",
			"vconduit serve --listen 127.0.0.1:8080",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			o := app.Options{Getenv: io.Getenv, Stderr: io.Err, Terminal: io.Terminal}
			fs.StringVar(&o.Config, "config", "", "configuration `file`")
			fs.StringVar(&o.Listen, "listen", "", "`address` (default: 0.0.0.0:8000 with an API token, 127.0.0.1:8000 without)")
			fs.StringVar(&o.Role, "role", "all", "`role`: all; api and worker as separate processes need REDIS_URL")
			fs.StringVar(&o.Data, "data", "", "data `folder` of the embedded store (default: VCONDUIT_DATA, else ./data)")
			fs.BoolVar(&o.Insecure, "insecure", false, "serve without any token on any address (VCONDUIT_INSECURE=1)")
			return func(ctx context.Context, words []string) error {
				if len(words) > 0 {
					return usagef("unexpected %q", words[0])
				}
				return serve(ctx, o, io)
			}
		},
	}
}

// serve runs the server until ctx ends. A configuration that is refused is a usage error: exit code 2.
func serve(ctx context.Context, o app.Options, io IO) error {
	a, err := app.New(ctx, o)
	var refused *app.RefusedError
	if errors.As(err, &refused) {
		fmt.Fprintln(io.Err, refused.Error())
		return exitError(ExitUsage)
	}
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case <-hup:
				a.Reload()
			case <-ended:
				return
			}
		}
	}()
	return a.Run(ctx)
}
