package app

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// filesBeside are what a server has open beside its connections: database, storages, modules, log.
const filesBeside = 256

// checkLimits looks at the number of files that the server may have open, of the running one where that can be told.
func (d *doctor) checkLimits(context.Context) {
	const check = "limits"
	whose, limit := "this shell's processes", openFiles()
	if d.report != nil && d.report.Holder != "" {
		if n, ok := openFilesOf(d.report.Holder); ok {
			whose, limit = "the server (process "+d.report.Holder+")", n
		}
	}
	if d.cfg == nil {
		return
	}
	if need := uint64(d.cfg.Server.Connections) + filesBeside; limit < need {
		d.warn(check, fmt.Sprintf("ulimit -n %d, or LimitNOFILE= of its service, or a lower server.connections", need),
			"%s may open %d files; server.connections %d needs %d", whose, limit, d.cfg.Server.Connections, need)
		return
	}
	d.ok(check, "%s may open %d files", whose, limit)
}

// openFiles is the limit that a server started from here would have: Go raises the soft one to the hard one.
func openFiles() uint64 {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0
	}
	return r.Max
}

// openFilesOf reads the limit of another process; false where the system does not tell.
func openFilesOf(pid string) (uint64, bool) {
	if _, err := strconv.Atoi(pid); err != nil {
		return 0, false
	}
	f, err := os.Open("/proc/" + pid + "/limits")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "Max open files"); ok {
			n, err := strconv.ParseUint(strings.Fields(rest + " x")[0], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// clockSlack is how far a submission may lie ahead of the clock.
const clockSlack = 2 * time.Minute

// checkClock compares the clock with what the store and the build know of the time; no other clock is asked.
func (d *doctor) checkClock(context.Context) {
	const check, hint = "clock", "set it (timedatectl, chrony): lifetimes, dedupe and signed requests to storages depend on it"
	now := time.Now()
	if built, err := time.Parse(time.RFC3339, Version(d.Getenv).BuildTime); err == nil && now.Before(built) {
		d.fail(check, hint, "it shows %s, before this program was built", now.UTC().Format(time.RFC3339))
		return
	}
	if d.report != nil && d.report.Newest.Sub(now) > clockSlack {
		d.fail(check, hint, "it shows %s; the newest vCon came %s later", now.UTC().Format(time.RFC3339), d.report.Newest.Sub(now).Round(time.Second))
		return
	}
	d.ok(check, "%s, not before anything that the store knows; no other clock was asked", now.UTC().Format(time.RFC3339))
}
