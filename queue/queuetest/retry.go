package queuetest

import (
	"time"

	"github.com/vconduit/vconduit/queue"
)

func retryCases() []kase {
	return []kase{
		{"SameBytesSameListIsARetry", 0, dedupeSame},
		{"OtherBytesAreNew", 0, dedupeOtherBytes},
		{"OtherListIsNew", 0, dedupeOtherList},
		{"AfterTheWindowIsNew", needClock, dedupeAfterWindow},
		{"WithoutWindowIsNew", 0, dedupeOff},
		{"RetryLeavesTheHolderAlone", 0, dedupeWhileLeased},
		{"RetryAfterFinishIsNotWorkedAgain", 0, dedupeAfterFinish},
		{"DeletedIsNoRetry", 0, dedupeAfterDelete},
		{"ExpiredIsNoRetry", needClock, dedupeAfterExpiry},
		{"ManyAtOnceAreOne", 0, idemMany},
		{"RetryIsKnownAfterReopen", 0, dedupeAfterReopen},
		{"KeyAndBodyAgainIsARetry", 0, idemSame},
		{"KeyWithOtherBodyIsRefused", 0, idemOther},
		{"KeyIsForgottenAfterADay", needClock, idemDay},
		{"KeyBelongsToPrincipalAndDocument", 0, idemScope},
		{"RefusedSubmissionDoesNotSpendItsKey", 0, idemRefused},
	}
}

const window = time.Minute

func windowed(s queue.Submission) queue.Submission {
	s.Dedupe = window
	return s
}

// again submits s twice and checks that the second one changes nothing.
func (e *env) again(s queue.Submission) {
	e.Helper()
	first, second := e.submit(s), e.submit(s)
	if !second.Duplicate || second.Gen != first.Gen || second.Rev != first.Rev || second.Replaced != first.Replaced {
		e.Fatalf("answer to a retry = %+v, first was %+v", second, first)
	}
}

// Q12: a partner's timeout retry.
func dedupeSame(e *env) {
	e.again(windowed(queue.Submission{Doc: e.plain(), Lists: []string{"in"}}))
	e.depth("in", 1, 0, 0, 0)
}

func dedupeOtherBytes(e *env) {
	d := e.plain()
	e.submit(windowed(queue.Submission{Doc: d, Lists: []string{"in"}}))
	newer := e.as(d.ID(), paper{subject: "corrected"})
	if r := e.submit(windowed(queue.Submission{Doc: newer, Lists: []string{"in"}})); r.Duplicate || r.Gen != 2 {
		e.Fatalf("answer to other bytes = %+v", r)
	}
	e.holds(newer)
}

func dedupeOtherList(e *env) {
	d := e.plain()
	e.submit(windowed(queue.Submission{Doc: d, Lists: []string{"in"}}))
	if r := e.submit(windowed(queue.Submission{Doc: d, Lists: []string{"second"}})); r.Duplicate {
		e.Fatalf("answer for another list = %+v", r)
	}
	e.depth("second", 1, 0, 0, 0)
}

func dedupeAfterWindow(e *env) {
	s := windowed(queue.Submission{Doc: e.plain(), Lists: []string{"in"}})
	e.submit(s)
	e.pass(window + time.Second)
	if r := e.submit(s); r.Duplicate || r.Gen != 2 {
		e.Fatalf("answer after the window = %+v", r)
	}
}

func dedupeOff(e *env) {
	s := queue.Submission{Doc: e.plain(), Lists: []string{"in"}}
	e.submit(s)
	if r := e.submit(s); r.Duplicate || r.Gen != 2 {
		e.Fatalf("answer without a window = %+v", r)
	}
}

func dedupeWhileLeased(e *env) {
	s := windowed(queue.Submission{Doc: e.plain(), Lists: []string{"in"}})
	e.submit(s)
	l := e.lease("in")
	if r := e.submit(s); !r.Duplicate {
		e.Fatalf("answer = %+v", r)
	}
	e.finish(l)
	e.none("in")
}

func dedupeAfterFinish(e *env) {
	s := windowed(queue.Submission{Doc: e.plain(), Lists: []string{"in"}})
	e.submit(s)
	e.finish(e.lease("in"))
	if r := e.submit(s); !r.Duplicate {
		e.Fatalf("answer = %+v", r)
	}
	e.none("in")
}

// A retry answered "already there" after a DELETE would lose the document.
func dedupeAfterDelete(e *env) {
	s := windowed(queue.Submission{Doc: e.plain(), Lists: []string{"in"}})
	e.submit(s)
	e.ok(e.q.Delete(e.ctx(), s.Doc.ID()))
	if r := e.submit(s); r.Duplicate {
		e.Fatalf("answer = %+v", r)
	}
	e.holds(s.Doc)
	e.finish(e.lease("in"))
}

func dedupeAfterExpiry(e *env) {
	s := windowed(queue.Submission{Doc: e.plain(), Lifetime: 10 * time.Second})
	e.submit(s)
	e.pass(20 * time.Second)
	if r := e.submit(s); r.Duplicate {
		e.Fatalf("answer = %+v", r)
	}
	e.holds(s.Doc)
}

// Q26: one of many that come together is first.
func idemMany(e *env) {
	s := keyed(e, "k1")
	fresh := make([]bool, 32)
	each(len(fresh), func(i int) {
		r, err := e.q.Submit(e.ctx(), s)
		if err != nil || r.Gen != 1 {
			e.Errorf("submit: %+v, %v", r, err)
		}
		fresh[i] = !r.Duplicate
	})
	n := 0
	for _, f := range fresh {
		if f {
			n++
		}
	}
	if n != 1 {
		e.Fatalf("%d submissions were first", n)
	}
	e.depth("in", 1, 0, 0, 0)
}

func dedupeAfterReopen(e *env) {
	s := windowed(queue.Submission{Doc: e.plain(), Lists: []string{"in"}, Principal: "p", IdempotencyKey: "k"})
	e.submit(s)
	e.reopen()
	for _, key := range []string{"k", ""} {
		s.IdempotencyKey = key
		if r := e.submit(s); !r.Duplicate || r.Gen != 1 {
			e.Fatalf("answer to a retry with key %q after reopening = %+v", key, r)
		}
	}
	e.depth("in", 1, 0, 0, 0)
}

func keyed(e *env, key string) queue.Submission {
	return queue.Submission{Doc: e.plain(), Lists: []string{"in"}, Principal: "partner-a", IdempotencyKey: key}
}

// Q26: same body, first answer.
func idemSame(e *env) {
	e.again(keyed(e, "k1"))
	e.depth("in", 1, 0, 0, 0)
}

// Q26: the key with another body changes nothing.
func idemOther(e *env) {
	s := keyed(e, "k1")
	e.submit(s)
	other := s
	other.Doc = e.as(s.Doc.ID(), paper{subject: "another body"})
	_, err := e.q.Submit(e.ctx(), other)
	e.is(err, queue.ErrIdempotency)
	e.holds(s.Doc)
	e.depth("in", 1, 0, 0, 0)
}

func idemDay(e *env) {
	s := keyed(e, "k1")
	e.submit(s)
	e.pass(23 * time.Hour)
	if r := e.submit(s); !r.Duplicate {
		e.Fatalf("answer within a day = %+v", r)
	}
	e.pass(time.Hour + time.Minute)
	if r := e.submit(s); r.Duplicate || r.Gen != 2 {
		e.Fatalf("answer after a day = %+v", r)
	}
}

func idemScope(e *env) {
	s := keyed(e, "k1")
	e.submit(s)
	other := s
	other.Principal = "partner-b"
	if r := e.submit(other); r.Duplicate {
		e.Fatalf("another principal's key gave %+v", r)
	}
	if r := e.submit(keyed(e, "k1")); r.Duplicate || r.Gen != 1 {
		e.Fatalf("the key for another document gave %+v", r)
	}
}

func idemRefused(e *env) {
	s := keyed(e, "k1")
	bad := s
	bad.Lists = []string{"vcons"}
	_, err := e.q.Submit(e.ctx(), bad)
	e.is(err, queue.ErrListName)
	if r := e.submit(s); r.Duplicate || r.Gen != 1 {
		e.Fatalf("answer after a refused attempt = %+v", r)
	}
	e.depth("in", 1, 0, 0, 0)
}
