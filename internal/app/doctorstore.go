package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/queue/embedded"
)

// What is little room on a disk, in bytes, and a log that should have been emptied.
const (
	littleRoom = 1 << 30
	noRoom     = 256 << 20
	longLog    = 512 << 20
)

// checkFolder looks at the rights of the data folder.
func (d *doctor) checkFolder(context.Context) {
	const check = "data"
	info, err := os.Stat(d.dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		d.warn(check, "a server makes it; or name the right one with --data", "there is no folder %s", d.dir)
		return
	case err != nil:
		d.fail(check, "", "%v", err)
		return
	case !info.IsDir():
		d.fail(check, "name a folder with --data", "%s is no folder", d.dir)
		return
	}
	if err := unix.Access(d.dir, unix.R_OK|unix.W_OK|unix.X_OK); err != nil {
		d.fail(check, "run as the user that the server runs as", "%s cannot be read and written: %v", d.dir, err)
		return
	}
	if others := info.Mode().Perm() & 0o077; others != 0 {
		d.warn(check, "chmod 700 "+d.dir, "other users of this machine have rights on %s (%s), which holds conversations", d.dir, info.Mode().Perm())
		return
	}
	d.ok(check, "%s", d.dir)
}

// checkStore looks at disk, database and log, beside a server that has them open.
func (d *doctor) checkStore(ctx context.Context) {
	const check = "store"
	var r embedded.Report
	err := d.bounded(ctx, func(ctx context.Context) (err error) {
		r, err = embedded.Inspect(ctx, d.dir)
		return err
	})
	switch {
	case errors.Is(err, embedded.ErrNoStore):
		d.warn(check, "a server makes one; or name the right folder with --data", "there is no store in %s", d.dir)
		return
	case late(err):
		d.warn(check, "give it more time with --within", "counting what it holds took longer than %s", d.Within)
		return
	case err != nil:
		d.fail(check, "if it is damaged, restore a backup: vconduit restore", "%v", err)
		return
	}
	d.report = &r
	d.checkDisk(r)
	d.ok(check, "%d vCons (%s), %d entries on lists, %d dead letters, format %d", r.Documents, shownSize(r.Bytes), r.Entries, r.Dead, r.Format)
	if r.Forever > 0 && !(d.cfg != nil && d.cfg.Queue.ExpirySet) {
		d.warn("growth", "give their chains a storage, or set queue.expiry",
			"%d finished vCons (%s) are in no storage that can give them back, so they are kept for ever; %d came in the last 24 hours",
			r.Forever, shownSize(r.ForeverBytes), r.ForeverNew)
	}
	d.checkPages(ctx)
}

func (d *doctor) checkDisk(r embedded.Report) {
	const check = "disk"
	switch {
	case r.Holder != "" && r.BallastBytes == 0:
		d.fail(check, "make room: submissions are taken again by themselves", "the disk was full: the reserve is given up and submissions are refused; %s are free", shownSize(r.FreeBytes))
	case r.FreeBytes < noRoom:
		d.fail(check, "make room, or move the data folder", "%s are free", shownSize(r.FreeBytes))
	case r.FreeBytes < littleRoom:
		d.warn(check, "make room, or move the data folder", "%s are free", shownSize(r.FreeBytes))
	case r.FreeBytes < r.DatabaseBytes+r.LogBytes:
		d.warn(check, "make room", "%s are free: too little for a backup, which copies the database (%s)", shownSize(r.FreeBytes), shownSize(r.DatabaseBytes))
	default:
		d.ok(check, "%s are free", shownSize(r.FreeBytes))
	}
	if r.LogBytes > longLog {
		d.warn(check, "end the program that reads the database for so long", "the database's log has %s: something keeps it from being emptied", shownSize(r.LogBytes))
	}
}

// checkPages reads the whole database.
func (d *doctor) checkPages(ctx context.Context) {
	const check = "integrity"
	var damage []string
	err := d.bounded(ctx, func(ctx context.Context) (err error) {
		damage, err = embedded.Verify(ctx, d.dir)
		return err
	})
	for _, text := range damage {
		d.fail(check, "make a backup of what is there, then restore one from before", "%s", text)
	}
	switch {
	case late(err):
		d.warn(check, "give it more time with --within", "reading the whole store takes longer than %s: not finished", d.Within)
	case err != nil:
		d.fail(check, "restore a backup", "%v", err)
	case len(damage) == 0:
		d.ok(check, "every page of the database is sound, every large document is there")
	}
}

// checkLists looks for what waits where nobody takes it, and for dead letters.
func (d *doctor) checkLists(context.Context) {
	const check = "lists"
	if d.cfg == nil {
		return
	}
	said := d.checkPartners(check)
	if d.report == nil {
		return
	}
	for _, l := range d.report.Lists {
		if l.Dead > 0 {
			said = true
			d.warn(check, deadHint(l.Name), "%d dead letters of %s", l.Dead, l.Name)
		}
		if why := d.unread(l); why != "" && l.Ready+l.Delayed > 0 {
			said = true
			d.warn(check, "give it a chain, or take the ids with GET /vcon/egress", "%d vCons wait on %s, %s", l.Ready+l.Delayed, l.Name, why)
		}
	}
	if !said {
		d.ok(check, "no dead letters, no list without a chain")
	}
	if wait := d.report.Oldest; wait > time.Hour {
		d.warn(check, "vconduit top shows where it stands; raise server.workers if links wait for others", "a vCon has waited for %s", wait.Round(time.Minute))
	}
}

// checkPartners says which lists partners fill and nothing reads.
func (d *doctor) checkPartners(check string) (said bool) {
	for _, l := range d.cfg.IngressAuth {
		if _, ok := d.cfg.ChainOf(l.List); !ok {
			said = true
			d.warn(check, "name it in the ingress_lists of a chain", "partners may post to %s, which no chain reads", l.List)
		}
	}
	return said
}

func deadHint(list string) string {
	if list == queue.DeleteList {
		return "storages refuse to delete: mend them, then `vconduit dlq retry --all --list " + list + "`"
	}
	return fmt.Sprintf("`vconduit dlq list --list %s` has the reasons, `vconduit dlq retry --all --list %s` tries again", list, list)
}

// unread is why nothing takes vCons from a list; "" = something does, or may from outside.
func (d *doctor) unread(l embedded.ListReport) string {
	if strings.HasPrefix(l.Name, queue.StoragePrefix) || l.Name == queue.DeleteList || l.Name == queue.ResaveList {
		return ""
	}
	for _, c := range d.cfg.Chains {
		if slices.Contains(c.IngressLists, l.Name) {
			if !c.Enabled {
				return fmt.Sprintf("whose chain %s is not enabled", c.Name)
			}
			return ""
		}
		if slices.Contains(c.EgressLists, l.Name) {
			return ""
		}
	}
	return "which no chain reads or forwards to"
}

// shownSize is a number of bytes for people.
func shownSize(n int64) string {
	const step = 1024
	v, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for len(units) > 1 && v >= step {
		v, units = v/step, units[1:]
	}
	if units[0] == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[0])
}
