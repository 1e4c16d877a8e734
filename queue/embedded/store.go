package embedded

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Store is an open folder. Safe for concurrent use.
type Store struct {
	dir  string
	opt  Options
	log  *slog.Logger
	lock *os.File

	epoch time.Time // wall and monotonic clock at open; times since are monotonic

	// The writer's own: no other goroutine touches these after Open.
	writer      *conn
	batch       []*op
	level       string         // synchronous= of the writer
	dropped     []string       // files to unlink after the next commit that waits for the disk
	turns       map[string]int // smooth weighted round robin: what each list is owed
	usageDay    int64          // the last day on which old counts were dropped
	tombs       bool           // there may be tombstones
	suspectLast bool           // what was leased last was a suspect
	loans       map[[16]byte]loan
	repay       int64 // when the first loan is over, Unix ms; 0 = there is none

	ops     chan *op
	closing chan struct{}
	wrote   chan struct{} // closed when the writer has ended
	tasks   sync.WaitGroup
	once    sync.Once
	failed  sync.Once
	endErr  error

	urge chan *urge    // who waits for the text index
	news chan struct{} // there is something for it

	readers      chan *conn
	checkpointer *checkpointer

	groups    atomic.Int64 // transactions of the writer so far
	spared    spared
	full      atomic.Bool
	rechecked atomic.Pointer[time.Time]

	mu       sync.Mutex // guards what follows; the writer changes it, others read it
	lists    map[string]*list
	byID     map[int64]*list
	lastList int64
	grants   map[vcon.ID]*grant
	ended    *endings
	nextDue  int64         // Unix ms of the earliest delayed entry, 0 = none
	wake     chan struct{} // closed and replaced when there may be something to lease
	waiting  int           // calls that wait for it
	alarm    *time.Timer   // wakes them when something is due
	armed    int64         // when, Unix ms; 0 = it is not set
}

var _ queue.Queue = (*Store)(nil)

// now is the store's clock in Unix ms: set at open, monotonic since, so that a step of the machine's clock neither ends
// a lease nor holds a delayed entry back.
func (s *Store) now() int64 { return s.epoch.Add(time.Since(s.epoch)).UnixMilli() }

func (s *Store) closed() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// Ready says whether the store takes calls. While the disk is full it is ready, and the detail says what it refuses.
func (s *Store) Ready(context.Context) queue.Health {
	h := queue.Health{OK: true, Store: "embedded", Tier: "any one crash"}
	switch {
	case s.closed():
		h.OK, h.Detail = false, "closed"
	case s.full.Load():
		h.Detail = "disk full: submissions are refused"
	}
	return h
}
