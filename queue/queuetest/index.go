package queuetest

import (
	"slices"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func indexCases() []kase {
	return []kase{
		{"NewestFirst", 0, listNewest},
		{"TiesByIDDescending", 0, listTies},
		{"SinceAndUntilAreInclusive", 0, listRange},
		{"Pages", 0, listPages},
		{"ArrivalWhenCreatedAtIsUnreadable", needClock, listArrival},
		{"ZonesAndFractions", 0, listZones},
		{"StopsWhenAsked", 0, listStops},
		{"ListedIsReadable", needClock, listReadable},
		{"SearchIsAND", 0, searchAnd},
		{"SearchIsExact", 0, searchExact},
		{"SearchTakesBothSpellings", 0, searchSpellings},
		{"SearchFollowsTheDocument", 0, searchFollows},
		{"SearchNewestFirst", 0, searchNewest},
		{"SearchIsThereAfterReopen", 0, searchReopened},
		{"ReindexCountsAndKeeps", 0, reindex},
		{"ReindexFindsWhatOutsidersWrote", needOutside, reindexOutside},
	}
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err) // a constant of this package
	}
	return t
}

func listNewest(e *env) {
	b := e.doc(paper{created: "2024-05-02T10:00:00Z"})
	a := e.doc(paper{created: "2024-05-01T10:00:00Z"})
	c := e.doc(paper{created: "2024-05-03T10:00:00Z"})
	for _, d := range []*vcon.VCon{b, a, c} {
		e.put(d)
	}
	e.ids("list", e.listed(queue.Range{Limit: -1}), c.ID(), b.ID(), a.ID())
	newer := e.as(a.ID(), paper{created: "2024-05-04T10:00:00Z"})
	e.put(newer)
	e.ids("list after a re-POST", e.listed(queue.Range{Limit: -1}), a.ID(), c.ID(), b.ID())
}

func listTies(e *env) {
	var all []vcon.ID
	for range 5 {
		d := e.doc(paper{created: "2024-05-02T10:00:00Z"})
		e.put(d)
		all = append(all, d.ID())
	}
	slices.Reverse(all)
	e.ids("list", e.listed(queue.Range{Limit: -1}), all...)
}

func listRange(e *env) {
	var all []vcon.ID
	for _, s := range []string{"2024-05-01T10:00:00Z", "2024-05-01T10:00:01Z", "2024-05-01T10:00:02.900Z", "2024-05-01T10:00:03Z"} {
		d := e.doc(paper{created: s})
		e.put(d)
		all = append(all, d.ID())
	}
	since, until := at("2024-05-01T10:00:01.700Z"), at("2024-05-01T10:00:02.100Z")
	e.ids("since and until", e.listed(queue.Range{Since: since, Until: until, Limit: -1}), all[2], all[1])
	e.ids("since", e.listed(queue.Range{Since: at("2024-05-01T10:00:03Z"), Limit: -1}), all[3])
	e.ids("until", e.listed(queue.Range{Until: at("2024-05-01T10:00:00Z"), Limit: -1}), all[0])
	e.ids("nothing", e.listed(queue.Range{Since: until, Until: since.Add(-time.Hour), Limit: -1}))
}

func listPages(e *env) {
	var all []vcon.ID
	for range 25 {
		d := e.doc(paper{created: "2024-05-02T10:00:00Z"})
		e.put(d)
		all = append(all, d.ID())
	}
	slices.Reverse(all)
	e.ids("first page", e.listed(queue.Range{Limit: 10}), all[:10]...)
	e.ids("second page", e.listed(queue.Range{Offset: 10, Limit: 10}), all[10:20]...)
	e.ids("last page", e.listed(queue.Range{Offset: 20, Limit: 10}), all[20:]...)
	e.ids("past the end", e.listed(queue.Range{Offset: 25, Limit: 10}))
	e.ids("none", e.listed(queue.Range{Limit: 0}))
}

func listArrival(e *env) {
	var all []vcon.ID
	for _, created := range []string{"", "yesterday", "2024-13-45T99:00:00Z"} {
		e.pass(2 * time.Second)
		d := e.doc(paper{created: created})
		e.put(d)
		all = append(all, d.ID())
	}
	slices.Reverse(all)
	old := e.doc(paper{created: "1999-01-01T00:00:00Z"})
	e.put(old)
	e.ids("list", e.listed(queue.Range{Limit: -1}), append(all, old.ID())...)
	e.ids("of this minute", e.listed(queue.Range{Since: time.Now().Add(-time.Minute), Limit: -1}), all...)
}

func listZones(e *env) {
	a := e.doc(paper{created: "2024-05-01T12:00:00.250+02:00"}) // 10:00 UTC
	b := e.doc(paper{created: "2024-05-01T10:30:00Z"})
	c := e.doc(paper{created: "2024-05-01T04:00:00-07:00"}) // 11:00 UTC
	for _, d := range []*vcon.VCon{c, a, b} {
		e.put(d)
	}
	e.ids("list", e.listed(queue.Range{Limit: -1}), c.ID(), b.ID(), a.ID())
	e.ids("before 10:15", e.listed(queue.Range{Until: at("2024-05-01T10:15:00Z"), Limit: -1}), a.ID())
}

func listStops(e *env) {
	for range 5 {
		e.put(e.plain())
	}
	for _, err := range e.q.List(e.ctx(), queue.Range{Limit: -1}) {
		e.ok(err)
		break
	}
	e.put(e.plain())
	if n := len(e.listed(queue.Range{Limit: -1})); n != 6 {
		e.Fatalf("listed %d", n)
	}
}

// Q28: listed = readable.
func listReadable(e *env) {
	ends, gone, stays := e.plain(), e.plain(), e.plain()
	e.submit(queue.Submission{Doc: ends, Lifetime: time.Hour})
	e.put(gone)
	e.put(stays)
	e.remove(gone.ID())
	e.pass(time.Hour + time.Minute)
	for _, id := range e.listed(queue.Range{Limit: -1}) {
		if !e.there(id) {
			e.Fatalf("%s is listed and cannot be read", id)
		}
	}
	e.ids("list", e.listed(queue.Range{Limit: -1}), stays.ID())
	e.reopen()
	e.ids("list after reopening", e.listed(queue.Range{Limit: -1}), stays.ID())
}

// search checks what terms find.
func (e *env) search(t queue.Terms, want ...vcon.ID) {
	e.Helper()
	got, err := e.q.Search(e.ctx(), t)
	e.ok(err)
	if !slices.Equal(got, want) {
		e.Fatalf("search %+v = %v, want %v", t, got, want)
	}
}

// No hit for one term is no hit at all (a quirk of the Python server that is not kept).
func searchAnd(e *env) {
	ann := e.doc(paper{parties: []party{{Tel: "+15550001", Name: "Ann"}, {Mailto: "bob@example.com", Name: "Bob"}}})
	bob := e.doc(paper{parties: []party{{Mailto: "bob@example.com", Name: "Bob"}}})
	e.put(ann)
	e.put(bob)
	e.search(queue.Terms{Tel: "+15550001"}, ann.ID())
	e.search(queue.Terms{Mailto: "bob@example.com", Tel: "+15550001"}, ann.ID())
	e.search(queue.Terms{Mailto: "bob@example.com", Tel: "+15550001", Name: "Bob"}, ann.ID())
	e.search(queue.Terms{Mailto: "bob@example.com", Name: "Nobody"})
	e.search(queue.Terms{Tel: "+15559999", Name: "Bob"})
}

func searchExact(e *env) {
	d := e.doc(paper{parties: []party{{Name: "Ann O'Neil \"%_\""}, {Tel: "+1 (555) 0001"}}})
	e.put(d)
	e.search(queue.Terms{Name: "Ann O'Neil \"%_\""}, d.ID())
	e.search(queue.Terms{Tel: "+1 (555) 0001"}, d.ID())
	for _, t := range []queue.Terms{{Name: "ann o'neil \"%_\""}, {Name: "Ann"}, {Name: "%"}, {Tel: "+15550001"}, {Mailto: "+1 (555) 0001"}} {
		e.search(t)
	}
}

// Q28: old documents say "+1555", new ones "tel:+1555"; neither misses the other.
func searchSpellings(e *env) {
	uri := e.doc(paper{created: "2024-05-02T10:00:00Z", parties: []party{{Tel: "tel:+15550001", Mailto: "mailto:ann@example.com"}}})
	bare := e.doc(paper{created: "2024-05-01T10:00:00Z", parties: []party{{Tel: "+15550001", Mailto: "ann@example.com"}}})
	e.put(uri)
	e.put(bare)
	for _, t := range []queue.Terms{
		{Tel: "+15550001"}, {Tel: "tel:+15550001"}, {Mailto: "ann@example.com"}, {Mailto: "mailto:ann@example.com"},
		{Tel: "tel:+15550001", Mailto: "ann@example.com"},
	} {
		e.search(t, uri.ID(), bare.ID())
	}
	e.search(queue.Terms{Name: "tel:+15550001"})
}

func searchFollows(e *env) {
	d := e.doc(paper{parties: []party{{Name: "Ann"}, {Name: "Bob"}}})
	e.put(d, "in")
	w := e.work(e.lease("in"))
	e.ok(w.d.Remove("/parties/0"))
	e.ok(w.d.Append("/parties", []byte(`{"name":"Cy","tel":"+15550009"}`)))
	p := w.progress("parties#1")
	e.search(queue.Terms{Name: "Ann"}, d.ID())
	w.commit(p)
	e.search(queue.Terms{Name: "Ann"})
	e.search(queue.Terms{Name: "Bob", Tel: "+15550009"}, d.ID())
	e.finish(w.l)
	e.put(e.as(d.ID(), paper{parties: []party{{Name: "Dan"}}}))
	e.search(queue.Terms{Name: "Bob"})
	e.search(queue.Terms{Name: "Dan"}, d.ID())
	e.remove(d.ID())
	e.search(queue.Terms{Name: "Dan"})
}

func searchNewest(e *env) {
	b := e.doc(paper{created: "2024-05-02T10:00:00Z", parties: []party{{Name: "Ann"}}})
	a := e.doc(paper{created: "2024-05-01T10:00:00Z", parties: []party{{Name: "Ann"}, {Name: "Ann"}}})
	c := e.doc(paper{created: "2024-05-03T10:00:00Z", parties: []party{{Name: "Ann"}}})
	for _, d := range []*vcon.VCon{b, a, c} {
		e.put(d)
	}
	e.search(queue.Terms{Name: "Ann"}, c.ID(), b.ID(), a.ID())
}

func searchReopened(e *env) {
	d := e.doc(paper{parties: []party{{Name: "Ann"}}})
	e.put(d)
	e.reopen()
	e.search(queue.Terms{Name: "Ann"}, d.ID())
	e.ids("list", e.listed(queue.Range{Limit: -1}), d.ID())
}

func reindex(e *env) {
	var all []vcon.ID
	for range 30 {
		d := e.doc(paper{created: "2024-05-02T10:00:00Z", parties: []party{{Name: "Ann"}}})
		e.put(d)
		all = append(all, d.ID())
	}
	e.remove(all[0])
	n, err := e.q.Reindex(e.ctx())
	e.ok(err)
	if n != 29 {
		e.Fatalf("reindexed %d documents, want 29", n)
	}
	slices.Reverse(all)
	e.search(queue.Terms{Name: "Ann"}, all[:29]...)
	e.ids("list", e.listed(queue.Range{Limit: -1}), all[:29]...)
}

func reindexOutside(e *env) {
	d := e.doc(paper{created: "2024-05-02T10:00:00Z", parties: []party{{Name: "Ann"}}})
	other := e.doc(paper{created: "2024-05-03T10:00:00Z"})
	e.put(d)
	e.put(other)
	e.outside(d.ID(), string(e.as(d.ID(), paper{created: "2024-05-04T10:00:00Z", parties: []party{{Name: "Bob"}}}).Bytes()))
	n, err := e.q.Reindex(e.ctx())
	e.ok(err)
	if n != 2 {
		e.Fatalf("reindexed %d documents", n)
	}
	e.search(queue.Terms{Name: "Ann"})
	e.search(queue.Terms{Name: "Bob"}, d.ID())
	e.ids("list", e.listed(queue.Range{Limit: -1}), d.ID(), other.ID())
}
