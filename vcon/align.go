package vcon

import (
	"cmp"
	"slices"
)

// run is a range of elements of an array.
type run struct{ start, end int }

func (r run) len() int { return r.end - r.start }

// gap is a run of elements of one array that another run takes the place of; either may be empty.
type gap struct{ from, to run }

// differing counts the elements that gaps change, but for new ones at the end of an array of this length.
func differing(gaps []gap, length int) int {
	count := 0
	for _, g := range gaps {
		if g.from.end == length {
			count += g.from.len()
		} else {
			count += max(g.from.len(), g.to.len())
		}
	}
	return count
}

// align compares two arrays by the hashes of their elements and gives the gaps between what they share, in order.
// Equal elements are matched that stand in both equally often, the nth with the nth, as many as possible without a
// crossing; the others where they adjoin these or an end. So the time is that of sorting.
func align(from, to []uint64) []gap {
	var gaps []gap
	rest := gap{run{0, len(from)}, run{0, len(to)}}.trim(from, to)
	for _, m := range ascending(matches(from, to, rest)) {
		gaps = gap{run{rest.from.start, m.from}, run{rest.to.start, m.to}}.addTo(gaps, from, to)
		rest.from.start, rest.to.start = m.from+1, m.to+1
	}
	gaps = rest.addTo(gaps, from, to)
	if n := len(gaps) - 1; n >= 0 {
		gaps = append(gaps[:n], gaps[n].appended(from, to)...)
	}
	return gaps
}

// appended is the last gap with its new elements at the end of the array where that comes to the same: a link may append
// where it may not insert.
func (g gap) appended(from, to []uint64) []gap {
	more := gap{run{g.from.end, g.from.end}, run{g.to.start + g.from.len(), g.to.end}}
	if more.to.len() <= 0 {
		return []gap{g}
	}
	for more.to.end < len(to) && to[more.to.start] == to[more.to.end] {
		more = gap{run{more.from.start + 1, more.from.end + 1}, run{more.to.start + 1, more.to.end + 1}}
	}
	switch {
	case more.to.end < len(to) || g.to.end == len(to):
		return []gap{g}
	case g.from.len() == 0:
		return []gap{more}
	}
	g.to.end = g.to.start + g.from.len()
	return []gap{g, more}
}

// trim takes equal elements off both ends.
func (g gap) trim(from, to []uint64) gap {
	for g.from.len() > 0 && g.to.len() > 0 && from[g.from.start] == to[g.to.start] {
		g.from.start++
		g.to.start++
	}
	for g.from.len() > 0 && g.to.len() > 0 && from[g.from.end-1] == to[g.to.end-1] {
		g.from.end--
		g.to.end--
	}
	return g
}

// addTo adds what is left of a gap, if anything is.
func (g gap) addTo(gaps []gap, from, to []uint64) []gap {
	if g = g.trim(from, to); g.from.len()+g.to.len() > 0 {
		gaps = append(gaps, g)
	}
	return gaps
}

// match is an element of one array and its equal in the other.
type match struct{ from, to int }

// matches are those within a gap, in the order of the first array.
func matches(from, to []uint64, g gap) []match {
	var found []match
	a, b := sorted(from, g.from), sorted(to, g.to)
	for len(a) > 0 && len(b) > 0 {
		x, y := from[a[0]], to[b[0]]
		m, n := equals(from, a), equals(to, b)
		switch {
		case x < y:
			a = a[m:]
			continue
		case y < x:
			b = b[n:]
			continue
		case m == n:
			for i := range m {
				found = append(found, match{a[i], b[i]})
			}
		}
		a, b = a[m:], b[n:]
	}
	slices.SortFunc(found, func(m, n match) int { return cmp.Compare(m.from, n.from) })
	return found
}

// sorted are the indexes of a run by hash, then by place.
func sorted(sums []uint64, r run) []int {
	at := make([]int, 0, r.len())
	for i := r.start; i < r.end; i++ {
		at = append(at, i)
	}
	slices.SortFunc(at, func(i, j int) int {
		return cmp.Or(cmp.Compare(sums[i], sums[j]), cmp.Compare(i, j))
	})
	return at
}

// equals counts the first indexes whose hash is the same.
func equals(sums []uint64, at []int) int {
	n := 1
	for n < len(at) && sums[at[n]] == sums[at[0]] {
		n++
	}
	return n
}

// ascending are as many of the matches as possible whose places in the second array ascend too.
func ascending(all []match) []match {
	var ends []int // for each length the match that ends a chain of it at the lowest place
	before := make([]int, len(all))
	for n, m := range all {
		length, _ := slices.BinarySearchFunc(ends, m.to, func(end, to int) int { return cmp.Compare(all[end].to, to) })
		before[n] = -1
		if length > 0 {
			before[n] = ends[length-1]
		}
		if length == len(ends) {
			ends = append(ends, n)
		} else {
			ends[length] = n
		}
	}
	if len(ends) == 0 {
		return nil
	}
	chain := make([]match, len(ends))
	for i, n := len(ends)-1, ends[len(ends)-1]; i >= 0; i, n = i-1, before[n] {
		chain[i] = all[n]
	}
	return chain
}
