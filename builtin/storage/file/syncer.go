package file

import "sync"

// syncer makes folders durable. Callers that come while a sync of their folder runs share the next one, so that many
// saves at once cost two syncs, not many. The zero value is ready. Safe for concurrent use.
type syncer struct {
	mu   sync.Mutex
	dirs map[string]*dirSync
	told func(dir string) // of each sync, for tests; nil: nobody
}

type dirSync struct {
	running *round // nil: none
	next    *round // those who came since it began
}

type round struct {
	done chan struct{}
	err  error
}

// sync returns when a sync that began after the call has ended.
func (s *syncer) sync(dir string) error {
	s.mu.Lock()
	if s.dirs == nil {
		s.dirs = map[string]*dirSync{}
	}
	d := s.dirs[dir]
	if d == nil {
		d = &dirSync{}
		s.dirs[dir] = d
	}
	if d.running != nil { // its sync may have passed our entry already
		if d.next == nil {
			d.next = &round{done: make(chan struct{})}
		}
		next := d.next
		s.mu.Unlock()
		<-next.done
		return next.err
	}
	own := &round{done: make(chan struct{})}
	d.running = own
	s.mu.Unlock()
	s.run(dir, d, own)
	return own.err
}

// run syncs for one round, and then in the background for those who came meanwhile.
func (s *syncer) run(dir string, d *dirSync, r *round) {
	r.err = syncDir(dir)
	if s.told != nil {
		s.told(dir)
	}
	close(r.done)
	s.mu.Lock()
	defer s.mu.Unlock()
	d.running, d.next = d.next, nil
	if d.running == nil {
		delete(s.dirs, dir)
		return
	}
	go s.run(dir, d, d.running)
}
