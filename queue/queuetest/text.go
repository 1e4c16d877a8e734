package queuetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func textCases() []kase {
	return []kase{
		{"FindsSubjectPartiesAndBodies", 0, textParts},
		{"WordsPhrasesPrefixesAndNot", 0, textLanguage},
		{"CaseAndAccentsDoNotCount", 0, textFolding},
		{"NoTextIsASyntaxError", 0, textHostile},
		{"BadQueriesAreRefused", 0, textRefused},
		{"TogetherWithParties", 0, textAndParties},
		{"PagesNewestFirst", 0, textPages},
		{"SinceAndUntil", 0, textRange},
		{"FollowsTheDocument", 0, textFollows},
		{"FollowsFail", 0, textFail},
		{"NotFoundOnceDeleted", 0, textDeleted},
		{"NotFoundOnceExpired", needClock, textExpired},
		{"KeptWhenArchived", needClock, textArchived},
		{"RestoredIsFound", 0, textRestored},
		{"IsThereAfterReopen", 0, textReopened},
		{"LargeDocument", 0, textLarge},
		{"ReindexKeeps", 0, textReindexed},
		{"ReindexFindsWhatOutsidersWrote", needOutside, textOutside},
		{"ManyAtOnce", 0, textMany},
	}
}

func (e *env) find(text string, want ...vcon.ID) {
	e.Helper()
	e.search(queue.Terms{Text: text}, want...)
}

// says is an analysis with a body of one text.
func says(kind, text string) string {
	return fmt.Sprintf(`{"type":%q,"encoding":"none","body":%q}`, kind, text)
}

func textParts(e *env) {
	d := e.doc(paper{subject: "Lost parcel", parties: []party{{Name: "Ann Miller", Tel: "tel:+1 (555) 0001", Mailto: "ann@example.com"}}, size: 20,
		analysis: []string{says("summary", "The courier went away"), `{"type":"transcript","encoding":"json","body":{"segments":[{"text":"good morning"}]}}`,
			`{"type":"scan","mediatype":"image/png","encoding":"base64url","body":"c2VjcmV0"}`}})
	e.put(d)
	e.put(e.plain())
	for _, text := range []string{"parcel", "miller", "+15550001", "ann@example.com", "blah", "courier", "morning"} {
		e.find(text, d.ID())
	}
	for _, text := range []string{"segments", "c2VjcmV0", "secret", "transcript", "mailto", "missing"} {
		e.find(text)
	}
	e.find("parcel courier morning", d.ID())
	e.find("parcel missing")
}

func textLanguage(e *env) {
	a := e.doc(paper{created: "2024-05-02T10:00:00Z", subject: "refund of an order"})
	b := e.doc(paper{created: "2024-05-01T10:00:00Z", subject: "order of a refund"})
	e.put(a)
	e.put(b)
	e.find("refund order", a.ID(), b.ID())
	e.find(`"order of"`, b.ID())
	e.find("ref*", a.ID(), b.ID())
	e.find(`"of an ord*"`, a.ID())
	e.find("ref")
	e.find("order -an", b.ID())
	e.find(`order -"of a"`, a.ID())
	e.find("order -ref*")
	e.find("refund-of", a.ID())
}

func textFolding(e *env) {
	d := e.doc(paper{subject: "CAFÉ Zürich, cafe\u0301s"})
	e.put(d)
	for _, text := range []string{"café", "cafe", "zurich", "ZÜRICH", "cafés", "Cafe\u0301s"} {
		e.find(text, d.ID())
	}
}

func textHostile(e *env) {
	d := e.doc(paper{subject: "and or not near subject refund"})
	e.put(d)
	for _, text := range []string{
		"AND", "refund AND", "NOT refund", "NEAR(refund, 2)", "subject:refund", "{subject}: refund", "^refund", "refund*", `"refund`,
		`refund"`, "(refund", "refund)))", "'refund", "refund;--", "* refund", "refund + near", "re\x00fund -x", "\xff refund", "\u0301 refund",
		strings.Repeat("refund ", queue.MaxPhrases), strings.Repeat(`"`, 999) + "refund", "refund -" + strings.Repeat("x", 900),
	} {
		if _, err := e.q.Search(e.ctx(), queue.Terms{Text: text}); err != nil {
			e.Errorf("%q: %v", text, err)
		}
	}
}

func textRefused(e *env) {
	e.put(e.doc(paper{subject: "refund"}))
	for _, text := range []string{"-refund", " ", "*", strings.Repeat("x", queue.MaxQuery+1)} {
		_, err := e.q.Search(e.ctx(), queue.Terms{Text: text})
		if bad := (*queue.QueryError)(nil); !errors.As(err, &bad) {
			e.Errorf("%.20q: %v, want a QueryError", text, err)
		}
	}
}

func textAndParties(e *env) {
	a := e.doc(paper{subject: "refund", parties: []party{{Name: "Ann", Tel: "+15550001"}}})
	b := e.doc(paper{subject: "refund", parties: []party{{Name: "Bob"}}})
	e.put(a)
	e.put(b)
	e.search(queue.Terms{Text: "refund", Name: "Ann"}, a.ID())
	e.search(queue.Terms{Text: "refund", Name: "Ann", Tel: "tel:+15550001"}, a.ID())
	e.search(queue.Terms{Text: "refund", Name: "Ann", Mailto: "ann@example.com"})
	e.search(queue.Terms{Text: "order", Name: "Ann"})
}

func textPages(e *env) {
	var all []vcon.ID
	for n := range 7 {
		d := e.doc(paper{created: fmt.Sprintf("2024-05-%02dT10:00:00Z", 20-n), subject: "refund", parties: []party{{Name: "Ann"}}})
		e.put(d)
		all = append(all, d.ID())
	}
	for _, t := range []queue.Terms{{Text: "refund"}, {Name: "Ann"}, {Text: "refund", Name: "Ann"}} {
		e.search(t, all...)
		t.Limit = 3
		e.search(t, all[:3]...)
		t.Offset = 6
		e.search(t, all[6:]...)
		t.Offset = 7
		e.search(t)
	}
}

func textRange(e *env) {
	var all []vcon.ID
	for _, s := range []string{"2024-05-03T10:00:00Z", "2024-05-02T10:00:00.900Z", "2024-05-01T10:00:00Z"} {
		d := e.doc(paper{created: s, subject: "refund", parties: []party{{Name: "Ann"}}})
		e.put(d)
		all = append(all, d.ID())
	}
	for _, t := range []queue.Terms{{Text: "refund"}, {Name: "Ann"}} {
		t.Since = at("2024-05-02T10:00:00.500Z")
		e.search(t, all[0], all[1])
		t.Until = at("2024-05-02T10:00:00.100Z")
		e.search(t, all[1])
		t.Since = time.Time{}
		e.search(t, all[1], all[2])
	}
	e.search(queue.Terms{Since: at("2024-05-01T00:00:00Z")})
}

func textFollows(e *env) {
	d := e.doc(paper{subject: "first words", parties: []party{{Name: "Ann"}}})
	e.put(d, "in")
	e.find("first", d.ID())
	w := e.work(e.lease("in"))
	e.ok(w.d.Remove("/subject"))
	e.ok(w.d.Append("/analysis", []byte(says("transcript", "spoken words"))))
	p := w.progress("transcribe#1")
	e.find("first", d.ID())
	e.find("spoken")
	w.commit(p)
	e.find("first")
	e.find("spoken", d.ID())
	e.finish(w.l)
	e.put(e.as(d.ID(), paper{subject: "second words"}))
	e.find("spoken")
	e.find("words", d.ID())
}

// Fail commits the journal, and with it what paid links found out.
func textFail(e *env) {
	d := e.doc(paper{subject: "call"})
	e.put(d, "in")
	e.find("call", d.ID())
	w := e.work(e.lease("in"))
	e.ok(w.d.Append("/analysis", []byte(says("transcript", "paid words"))))
	e.ok(e.q.Checkpoint(e.ctx(), w.l, w.progress("transcribe#1")))
	e.find("paid")
	e.ok(e.q.Fail(e.ctx(), w.l, queue.Failure{Reason: "link_failed"}))
	e.find("paid", d.ID())
	if n, err := e.q.Purge(e.ctx(), "in", queue.Filter{}); n != 1 || err != nil {
		e.Fatalf("purged %d, %v", n, err)
	}
	e.find("paid")
}

func textDeleted(e *env) {
	read, fresh := e.doc(paper{subject: "refund"}), e.doc(paper{subject: "refund"})
	e.put(read)
	e.find("refund", read.ID())
	e.put(fresh)
	e.remove(fresh.ID())
	e.remove(read.ID())
	e.find("refund")
	e.reopen()
	e.find("refund")
	e.put(e.as(read.ID(), paper{subject: "order"}))
	e.find("refund")
	e.find("order", read.ID())
}

func textExpired(e *env) {
	d, stays := e.doc(paper{subject: "refund"}), e.doc(paper{subject: "refund order"})
	e.submit(queue.Submission{Doc: d, Lifetime: time.Hour})
	e.put(stays)
	e.find("refund", stays.ID(), d.ID())
	e.pass(time.Hour + time.Second)
	e.find("refund", stays.ID())
	e.pass(3 * time.Hour)
	e.find("refund", stays.ID())
}

// What a storage can give back stays searchable, also by a text that nobody had asked for before it ended.
func textArchived(e *env) {
	d := e.doc(paper{subject: "refund"})
	e.put(d, "in")
	l := e.lease("in")
	e.ok(e.q.Finish(e.ctx(), l, queue.Outcome{Lifetime: time.Hour, Archived: true}))
	e.pass(5 * time.Hour)
	if e.there(d.ID()) {
		e.Fatalf("%s did not end", d.ID())
	}
	e.find("refund", d.ID())
	e.remove(d.ID())
	e.find("refund")
}

func textRestored(e *env) {
	d := e.doc(paper{subject: "refund"})
	e.ok(e.q.Restore(e.ctx(), d, time.Hour))
	e.find("refund", d.ID())
}

func textReopened(e *env) {
	read, fresh := e.doc(paper{created: "2024-05-01T10:00:00Z", subject: "refund"}), e.doc(paper{created: "2024-05-02T10:00:00Z", subject: "refund"})
	e.put(read)
	e.find("refund", read.ID())
	e.put(fresh)
	e.reopen()
	e.find("refund", fresh.ID(), read.ID())
}

// What is far behind in a long text is not indexed; the document is found by what is.
func textLarge(e *env) {
	d := e.doc(paper{subject: "refund", size: 2 * queue.ProseLimit, analysis: []string{says("summary", "courier")}})
	e.put(d)
	e.find("refund blah", d.ID())
	e.find("courier")
	e.put(e.as(d.ID(), paper{subject: "refund", size: 300, analysis: []string{says("summary", "courier")}}))
	e.find("courier", d.ID())
}

func textReindexed(e *env) {
	a, b := e.doc(paper{created: "2024-05-02T10:00:00Z", subject: "refund"}), e.doc(paper{created: "2024-05-01T10:00:00Z", subject: "refund"})
	e.put(a)
	e.find("refund", a.ID())
	e.put(b)
	_, err := e.q.Reindex(e.ctx())
	e.ok(err)
	e.find("refund", a.ID(), b.ID())
}

func textOutside(e *env) {
	d := e.doc(paper{subject: "refund"})
	e.put(d)
	e.find("refund", d.ID())
	e.outside(d.ID(), string(e.as(d.ID(), paper{subject: "order"}).Bytes()))
	_, err := e.q.Reindex(e.ctx())
	e.ok(err)
	e.find("refund")
	e.find("order", d.ID())
}

// Searches between submissions, changes and deletions see each document as it is at the time: found by the text that it
// has when the answer to its submission is there, and by no earlier one.
func textMany(e *env) {
	each(4, func(n int) {
		for round := range 10 {
			d := e.as(nthID(1000+n), paper{subject: fmt.Sprintf("worker%d round%d", n, round)})
			if _, err := e.q.Submit(e.ctx(), queue.Submission{Doc: d}); err != nil {
				e.Errorf("submit: %v", err)
				return
			}
			for text, want := range map[string]int{
				fmt.Sprintf("worker%d round%d", n, round): 1, fmt.Sprintf("worker%d round%d", n, round-1): 0, fmt.Sprintf("worker%d", n): 1,
			} {
				if ids, err := e.q.Search(e.ctx(), queue.Terms{Text: text}); err != nil || len(ids) != want {
					e.Errorf("%q finds %v, %v", text, ids, err)
				}
			}
		}
		if err := e.q.Delete(e.ctx(), nthID(1000+n)); err != nil {
			e.Errorf("delete: %v", err)
		}
		if ids, err := e.q.Search(e.ctx(), queue.Terms{Text: fmt.Sprintf("worker%d", n)}); err != nil || len(ids) != 0 {
			e.Errorf("deleted, found %v, %v", ids, err)
		}
	})
}
