package queuetest

import (
	"bytes"
	"sync"
	"time"

	"github.com/vconduit/vconduit/queue"
)

func kvCases() []kase {
	return []kase{
		{"PutGetDel", 0, kvPutGetDel},
		{"BelongsToItsLink", 0, kvScope},
		{"EndsWithItsTTL", needClock, kvTTL},
		{"CAS", 0, kvCAS},
		{"CASEndsWithItsTTL", needClock, kvCASTTL},
		{"OneOfManyWins", 0, kvRace},
		{"SurvivesAFailedRun", 0, kvFailedRun},
	}
}

func (e *env) kvHas(link, key, want string) {
	e.Helper()
	got, err := e.q.KVGet(e.ctx(), link, key)
	e.ok(err)
	if string(got) != want {
		e.Fatalf("value of %s/%s = %q, want %q", link, key, got, want)
	}
}

func (e *env) kvNone(link, key string) {
	e.Helper()
	_, err := e.q.KVGet(e.ctx(), link, key)
	e.is(err, queue.ErrNotFound)
}

func kvPutGetDel(e *env) {
	e.kvNone("l", "k")
	e.is(e.q.KVDel(e.ctx(), "l", "k"), queue.ErrNotFound)
	e.ok(e.q.KVPut(e.ctx(), "l", "k", []byte("one"), 0))
	e.ok(e.q.KVPut(e.ctx(), "l", "k", []byte("two\x00\xff"), 0))
	e.reopen()
	e.kvHas("l", "k", "two\x00\xff")
	e.ok(e.q.KVPut(e.ctx(), "l", "empty", []byte{}, 0))
	e.kvHas("l", "empty", "")
	e.ok(e.q.KVDel(e.ctx(), "l", "k"))
	e.kvNone("l", "k")
	e.is(e.q.KVDel(e.ctx(), "l", "k"), queue.ErrNotFound)
}

func kvScope(e *env) {
	e.ok(e.q.KVPut(e.ctx(), "a", "k:1", []byte("x"), 0))
	e.kvNone("b", "k:1")
	e.kvNone("a:k", "1")
	e.kvNone("a", "k")
}

func kvTTL(e *env) {
	e.ok(e.q.KVPut(e.ctx(), "l", "k", []byte("x"), time.Minute))
	e.pass(50 * time.Second)
	e.kvHas("l", "k", "x")
	e.reopen()
	e.pass(11 * time.Second)
	e.kvNone("l", "k")
	e.is(e.q.KVDel(e.ctx(), "l", "k"), queue.ErrNotFound)
	e.ok(e.q.KVPut(e.ctx(), "l", "k", []byte("x"), time.Minute))
	e.ok(e.q.KVPut(e.ctx(), "l", "k", []byte("y"), 0))
	e.pass(time.Hour)
	e.kvHas("l", "k", "y")
}

func kvCAS(e *env) {
	cas := func(old, value []byte) error { return e.q.KVCAS(e.ctx(), "l", "k", old, value, 0) }
	e.is(cas([]byte("x"), []byte("y")), queue.ErrConflict)
	e.ok(cas(nil, []byte("1")))
	e.is(cas(nil, []byte("2")), queue.ErrConflict)
	e.is(cas([]byte("0"), []byte("2")), queue.ErrConflict)
	e.kvHas("l", "k", "1")
	e.ok(cas([]byte("1"), []byte("2")))
	e.ok(cas([]byte("2"), []byte{}))
	e.is(cas(nil, []byte("3")), queue.ErrConflict)
	e.ok(cas([]byte{}, []byte("3")))
	e.is(cas([]byte("2"), nil), queue.ErrConflict)
	e.ok(cas([]byte("3"), nil))
	e.kvNone("l", "k")
}

func kvCASTTL(e *env) {
	e.ok(e.q.KVCAS(e.ctx(), "l", "lock", nil, []byte("me"), time.Minute))
	e.is(e.q.KVCAS(e.ctx(), "l", "lock", nil, []byte("you"), time.Minute), queue.ErrConflict)
	e.pass(61 * time.Second)
	e.is(e.q.KVCAS(e.ctx(), "l", "lock", []byte("me"), []byte("me again"), time.Minute), queue.ErrConflict)
	e.ok(e.q.KVCAS(e.ctx(), "l", "lock", nil, []byte("you"), time.Minute))
	e.kvHas("l", "lock", "you")
}

func kvRace(e *env) {
	const writers, rounds = 8, 20
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for n := 0; n < rounds; {
				old, err := e.q.KVGet(e.ctx(), "l", "n")
				if err != nil {
					old = nil
				}
				if e.q.KVCAS(e.ctx(), "l", "n", old, append(bytes.Clone(old), 'x'), 0) == nil {
					n++
				}
			}
		})
	}
	all.Wait()
	got, err := e.q.KVGet(e.ctx(), "l", "n")
	e.ok(err)
	if len(got) != writers*rounds {
		e.Fatalf("%d of %d updates are there", len(got), writers*rounds)
	}
}

// Q25: not part of any commit.
func kvFailedRun(e *env) {
	e.put(e.plain(), "in")
	l := e.lease("in")
	e.ok(e.q.KVPut(e.ctx(), "tag", "seen", []byte("1"), 0))
	e.fail(l, "link_failed")
	e.kvHas("tag", "seen", "1")
}
