package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/queue/embedded"
)

// Status is the outcome of a check of Doctor.
type Status string

// The outcomes: as it should be; works, and somebody should look; does not work.
const (
	StatusOK   Status = "ok"
	StatusWarn Status = "warn"
	StatusFail Status = "fail"
)

// Finding is what one check says. It holds no secret and no content.
type Finding struct {
	Check   string `json:"check"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // what to do
}

// DoctorOptions are what Doctor needs beside the options of a server.
type DoctorOptions struct {
	Options
	// Ask gives the JSON answer of the running server to a GET, on its admin socket; nil = no server answers there.
	Ask func(ctx context.Context, path string, into any) error
	// Within bounds each check that may take long: of the store's pages, of a storage, of a module.
	Within time.Duration
	// Found is told of each finding, in order.
	Found func(Finding)
}

// doctor is one examination.
type doctor struct {
	DoctorOptions
	check  CheckResult
	cfg    *config.Config // nil: it cannot be read
	dir    string         // data folder
	report *embedded.Report
	ready  *readiness // of the running server; nil: there is none
}

// Doctor looks at everything that a server on this machine depends on and tells what it finds. It changes nothing that a
// server would not: opening a storage may make its folder. The configuration and the environment are those of the
// caller, which need not be those that a running server was started with.
func Doctor(ctx context.Context, o DoctorOptions) {
	d := &doctor{DoctorOptions: o, dir: DataDir(o.Data, o.Getenv)}
	for _, check := range []func(context.Context){
		d.checkConfig, d.checkFolder, d.checkStore, d.checkServer, d.checkChains, d.checkLists,
		d.checkStorages, d.checkModules, d.checkKeys, d.checkLimits, d.checkClock,
	} {
		if ctx.Err() != nil {
			return
		}
		check(ctx)
	}
}

func (d *doctor) ok(check, format string, args ...any) {
	d.Found(Finding{Check: check, Status: StatusOK, Message: fmt.Sprintf(format, args...)})
}

func (d *doctor) warn(check, hint, format string, args ...any) {
	d.Found(Finding{Check: check, Status: StatusWarn, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (d *doctor) fail(check, hint, format string, args ...any) {
	d.Found(Finding{Check: check, Status: StatusFail, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// checkConfig says what `check` says, but for held chains, which have a check of their own.
func (d *doctor) checkConfig(ctx context.Context) {
	const check = "config"
	d.check = Check(ctx, d.Options)
	d.cfg, _ = loadConfig(d.check.File, d.Options)
	told := 0
	for _, p := range d.check.Problems {
		said := Finding{Check: check, Status: StatusWarn, Message: problemText(p), Hint: p.Hint}
		switch {
		case p.Code == "held" || p.Severity == config.Info:
			continue
		case p.Severity == config.Error:
			said.Status = StatusFail
		}
		told++
		d.Found(said)
	}
	switch {
	case told > 0:
	case d.check.File == "":
		d.warn(check, "write a config.yml, or name one with --config or CONSERVER_CONFIG_FILE", "there is no file: no chains run")
	default:
		d.ok(check, "%s: %d chains", d.check.File, len(d.check.Chains)+len(d.check.Held))
	}
	if d.cfg != nil {
		d.dir = d.cfg.DataDir
	}
}

// problemText is a problem without its severity and hint, which stand elsewhere.
func problemText(p config.Problem) string {
	text := p.Message
	if p.Path != "" {
		text = p.Path + ": " + text
	}
	switch {
	case p.File != "" && p.Line > 0:
		text = fmt.Sprintf("%s:%d: %s", p.File, p.Line, text)
	case p.File != "":
		text = p.File + ": " + text
	}
	return text
}

// checkServer looks for the server that runs on the folder.
func (d *doctor) checkServer(ctx context.Context) {
	const check = "server"
	if d.Ask == nil {
		if d.report != nil && d.report.Holder != "" {
			d.fail(check, "look whether process "+d.report.Holder+" still works; restart it",
				"process %s has the store open and nobody answers on %s", d.report.Holder, AdminSocket(d.dir))
			return
		}
		d.warn(check, "vconduit serve", "no server runs on %s", d.dir)
		return
	}
	var runs VersionInfo
	if err := d.Ask(ctx, "/version", &runs); err != nil {
		d.fail(check, "look into its log; restart it", "the server does not answer: %v", err)
		return
	}
	ours := Version(d.Getenv)
	if runs.Version != ours.Version || runs.GitCommit != ours.GitCommit {
		d.warn(check, "restart the server, or call doctor of the same version",
			"%s (commit %s) runs, this binary is %s (commit %s)", runs.Version, runs.GitCommit, ours.Version, ours.GitCommit)
	}
	var raw json.RawMessage
	err := d.Ask(ctx, "/ready", &raw)
	if err == nil {
		d.ready = &readiness{}
		err = json.Unmarshal(raw, d.ready)
	}
	switch {
	case err != nil:
		d.ready = nil
		d.fail(check, "look into its log", "the server is not ready: %v", err)
	case d.ready.Status != "ready":
		d.fail(check, "see the other lines", "the server is not ready: store ok %t, %d chains run", d.ready.Store.OK, d.ready.Chains)
	case d.ready.Store.Detail != "":
		d.warn(check, "", "store: %s", d.ready.Store.Detail)
	default:
		d.ok(check, "%s runs and is ready", runs.Version)
	}
}

// checkChains says which chains are held: as the running server knows it, else as far as it shows without one.
func (d *doctor) checkChains(context.Context) {
	const check = "chains"
	runs, held := len(d.check.Chains), d.check.Held
	switch {
	case d.ready != nil:
		runs, held = d.ready.Chains, d.ready.Held
	case d.cfg == nil:
		return
	}
	for _, name := range slices.Sorted(maps.Keys(held)) {
		d.fail(check, "its lists accept and keep; mend the reason, it is tried again by itself", "%s is held: %s", name, strings.Join(held[name], "; "))
	}
	if len(held) == 0 {
		d.ok(check, "%d can run, none is held", runs)
	}
}

// expiresSoon is how long before its end a key is spoken of.
const expiresSoon = 14 * 24 * time.Hour

// checkKeys looks at who may come in.
func (d *doctor) checkKeys(context.Context) {
	const check = "keys"
	if d.cfg == nil {
		return
	}
	said := d.checkOpen(check)
	expiry := func(what string, at time.Time) {
		if left := time.Until(at); left > 0 && left < expiresSoon { // the configuration warns of those that have expired
			said = true
			d.warn(check, "give its user a new one in time", "%s expires on %s", what, at.Format(time.DateOnly))
		}
	}
	n := len(d.cfg.Auth.Tokens)
	for _, k := range d.cfg.Auth.Keys {
		n++
		expiry(fmt.Sprintf("key %q of auth.keys", k.Name), k.Expires)
	}
	for _, l := range d.cfg.IngressAuth {
		for _, k := range l.Keys {
			n++
			expiry(fmt.Sprintf("key %q of ingress_auth.%s", k.Name, l.List), k.Expires)
		}
	}
	if !said {
		d.ok(check, "%d tokens and keys, none of them ends within %d days", n, int(expiresSoon.Hours()/24))
	}
}

// checkOpen says whether the main routes ask for no key.
func (d *doctor) checkOpen(check string) bool {
	if !d.cfg.Auth.Open() {
		return false
	}
	host, _, err := net.SplitHostPort(d.cfg.Server.Listen)
	ip := net.ParseIP(host)
	switch {
	case err == nil && (host == "localhost" || ip != nil && ip.IsLoopback()):
		d.warn(check, "set CONSERVER_API_TOKEN", "there is no token here: every program on this machine may read and delete vCons on %s", d.cfg.Server.Listen)
	default:
		d.fail(check, "set CONSERVER_API_TOKEN; do not use --insecure", "there is no token here: whoever reaches %s may read and delete vCons", d.cfg.Server.Listen)
	}
	return true
}

// bounded runs f for as long as one check may last.
func (d *doctor) bounded(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.Within)
	defer cancel()
	return f(ctx)
}

func late(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
