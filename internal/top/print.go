package top

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Lines are the view as a table, cut to width characters and to height lines; 0 = not cut.
func (v View) Lines(width, height int) []string {
	out := append([]string{v.headline()}, v.troubles()...)
	for _, t := range v.tables() {
		if len(t) > 1 {
			out = append(out, "")
			out = append(out, align(t)...)
		}
	}
	if height > 0 && len(out) > height {
		cut := len(out) - height + 1
		out = append(out[:height-1], fmt.Sprintf("... %d more lines", cut))
	}
	for i := range out {
		out[i] = clip(clean(out[i]), width)
	}
	return out
}

func (v View) headline() string {
	s := v.Server
	return fmt.Sprintf("%s  %s, %s store, up %s, %d chains run, %d held, %.1f cores, %s, %.0f connections, %.0f requests/s, %.0f files",
		v.At.Format("15:04:05"), s.Status, s.Store, time.Duration(s.Uptime*float64(time.Second)).Round(time.Second),
		s.Running, s.Held, s.CPU, size(s.Memory), s.Connections, s.Requests, s.Files)
}

// troubles are what an operator should read first.
func (v View) troubles() (out []string) {
	if v.Server.Detail != "" {
		out = append(out, "store: "+v.Server.Detail)
	}
	for _, c := range v.Chains {
		if len(c.Held) > 0 {
			out = append(out, fmt.Sprintf("chain %s is held: %s", c.Name, strings.Join(c.Held, "; ")))
		}
	}
	return out
}

func (v View) tables() [][][]string {
	lists := [][]string{{"LIST", "READY", "DELAYED", "LEASED", "DEAD", "IN/S", "OUT/S"}}
	for _, l := range v.Lists {
		lists = append(lists, []string{l.Name, count(l.Ready), count(l.Delayed), count(l.Leased), count(l.Dead), rate(l.In), rate(l.Out)})
	}
	chains := [][]string{{"CHAIN", "STATE", "IN FLIGHT", "DONE/S", "P50", "P99"}}
	for _, c := range v.Chains {
		state := "running"
		if len(c.Held) > 0 {
			state = "held"
		}
		chains = append(chains, []string{c.Name, state, count(c.InFlight), rate(c.Done), span(c.P50), span(c.P99)})
	}
	return [][][]string{lists, chains, works("LINK", "RUNS/S", v.Links), works("STORAGE", "SAVES/S", v.Storages)}
}

func works(what, runs string, all []Work) [][]string {
	out := [][]string{{what, runs, "ERRORS/S", "MEAN"}}
	for _, w := range all {
		out = append(out, []string{w.Name, rate(w.Runs), rate(w.Errors), span(w.Mean)})
	}
	return out
}

func count(v float64) string { return fmt.Sprintf("%.0f", v) }
func rate(v float64) string  { return fmt.Sprintf("%.1f", v) }

// span is a time of so many seconds in two or three digits.
func span(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	d := time.Duration(*seconds * float64(time.Second))
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// size is a number of bytes in its largest unit.
func size(bytes float64) string {
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if bytes < 1024 {
			return fmt.Sprintf("%.0f %s", bytes, unit)
		}
		bytes /= 1024
	}
	return fmt.Sprintf("%.1f GiB", bytes)
}

// align makes lines of rows: the first column to the left, figures to the right.
func align(rows [][]string) []string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	widths[0] = max(widths[0], 20)
	var out []string
	for _, row := range rows {
		line := pad(row[0], -widths[0])
		for i, cell := range row[1:] {
			line += "  " + pad(cell, max(widths[i+1], 7))
		}
		out = append(out, line)
	}
	return out
}

// pad fills up with spaces: on the left, or on the right for a width below 0.
func pad(s string, width int) string {
	fill := strings.Repeat(" ", max(max(width, -width)-utf8.RuneCountInString(s), 0))
	if width < 0 {
		return s + fill
	}
	return fill + s
}

// clean takes what would steer a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func clip(s string, width int) string {
	if r := []rune(s); width > 0 && len(r) > width {
		return string(r[:width])
	}
	return s
}
