// Package queuetest is the suite that every backend of package queue must pass.
//
// What it shows: the contract of queue.Queue, call by call, with leases that run out, re-submissions and deletions at
// every stage of a lease, writers from outside, and many goroutines at once; and a random walk that compares the store
// with a small model after every step. What a backend must survive beyond that (being killed between two steps, a full
// disk, a second process) depends on how it is made: its own tests do it.
//
// A backend's test opens a fresh store in a few lines and calls Run or Bubble. What a backend can do besides, it tells
// by more methods on its Backend (Clock, Outsider, Checker, Meter, Cutter); cases that need what it lacks are not listed.
package queuetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Backend is one store under test, alone with its data.
type Backend interface {
	// Queue is the open store. It changes with Reopen.
	Queue() queue.Queue
	// Reopen closes the store and opens the same data again.
	Reopen(t testing.TB)
}

// Clock is a Backend whose store reads a clock that can be set forward. In a Bubble it is not needed.
type Clock interface{ Advance(d time.Duration) }

// Outsider is a Backend that can write past the contract, as other programs do that share the store.
type Outsider interface {
	// OutsideWrite replaces the text of a document, telling nobody.
	OutsideWrite(t testing.TB, id vcon.ID, text []byte)
	// OutsideRemove takes a document away, telling nobody; its entries stay.
	OutsideRemove(t testing.TB, id vcon.ID)
}

// Checker is a Backend that can compare everything it stores with itself: counted against listed, files against rows.
// It is asked at the end of every case.
type Checker interface{ Check(t testing.TB) }

// Meter is a Backend that counts its work, in pages or statements or commands since it was opened.
type Meter interface{ Work() int64 }

// Opener makes a fresh store for one case and closes it in t's cleanup.
type Opener func(t testing.TB) Backend

// Run runs the suite in real time. Cases that need a clock are listed when the Backend has one.
func Run(t *testing.T, open Opener) { run(t, open, false) }

// Bubble runs the suite with each case in a testing/synctest bubble: for stores inside this process that read time by
// package time. Hours pass in no time, and a wait that nobody would end is a failure at once.
func Bubble(t *testing.T, open Opener) { run(t, open, true) }

// A kase shows one thing about a store.
type kase struct {
	name string
	need need
	run  func(*env)
}

type need uint8

const (
	needClock need = 1 << iota
	needOutside
	needMeter
	needCutter
)

func run(t *testing.T, open Opener, bubble bool) {
	have := abilities(t, open, bubble)
	for _, topic := range topics() {
		t.Run(topic.name, func(t *testing.T) {
			t.Parallel()
			for _, k := range topic.cases {
				if k.need&^have != 0 {
					continue
				}
				t.Run(k.name, func(t *testing.T) {
					t.Parallel()
					inBubble(t, bubble, func(t *testing.T) { k.try(t, open) })
				})
			}
		})
	}
}

func (k kase) try(t *testing.T, open Opener) {
	e := newEnv(t, open(t))
	k.run(e)
	e.check()
}

func inBubble(t *testing.T, bubble bool, f func(*testing.T)) {
	if bubble {
		synctest.Test(t, f)
		return
	}
	f(t)
}

// abilities asks one store what it can do, so that the list of cases is known before they run.
func abilities(t *testing.T, open Opener, bubble bool) (have need) {
	t.Helper()
	inBubble(t, bubble, func(t *testing.T) {
		b := open(t)
		if _, ok := b.(Clock); ok || bubble {
			have |= needClock
		}
		if _, ok := b.(Outsider); ok {
			have |= needOutside
		}
		if _, ok := b.(Meter); ok {
			have |= needMeter
		}
		if _, ok := b.(Cutter); ok {
			have |= needCutter
		}
	})
	return have
}

type topic struct {
	name  string
	cases []kase
}

func topics() []topic {
	return []topic{
		{"Submit", submitCases()},
		{"Retry", retryCases()},
		{"Lease", leaseCases()},
		{"Expiry", expiryCases()},
		{"Fair", fairCases()},
		{"Checkpoint", checkpointCases()},
		{"Commit", commitCases()},
		{"Finish", finishCases()},
		{"Lifetime", lifetimeCases()},
		{"Release", releaseCases()},
		{"Dead", deadCases()},
		{"Replay", replayCases()},
		{"Delete", deleteCases()},
		{"Supersede", supersedeCases()},
		{"LostReply", cutCases()},
		{"Index", indexCases()},
		{"Text", textCases()},
		{"Egress", egressCases()},
		{"ToLists", toListsCases()},
		{"Accounts", accountsCases()},
		{"Large", largeCases()},
		{"KV", kvCases()},
		{"Concurrent", concurrentCases()},
		{"Model", modelCases()},
		{"Scale", scaleCases()},
	}
}
