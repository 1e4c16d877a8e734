package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// scene is a script's stage: a store and what the script holds.
type scene struct {
	s    *Store
	held map[string]*queue.Lease
	acks []queue.Held
}

// act is one call of the script, which the store answers or does not live to answer.
type act struct {
	name string
	do   func(c *scene) error
}

var background = context.Background()

const (
	small = 2_000
	large = 300_000
)

// paperOf makes the n-th document of the script; take tells its versions apart.
func paperOf(n, take, size int) *vcon.VCon {
	text := fmt.Appendf(nil, `{"vcon":"0.4.0","uuid":%q,"created_at":"2026-01-02T03:04:%02dZ","subject":"take %d","parties":[{"name":"p%d"}],
		"dialog":[{"type":"text","encoding":"none","body":"%0*d"}],"analysis":[]}`, scriptID(n), n, take, take, size, 0)
	doc, err := vcon.Parse(text)
	if err != nil {
		panic(err) // the script's own text
	}
	return doc
}

func scriptID(n int) vcon.ID { return vcon.ID{1, 0x98, 0, 0, 0, byte(n), 0x80, 0, 0x80} }

func submits(n, take, size int, lists ...string) act {
	return act{fmt.Sprintf("submit %d take %d of %d bytes to %v", n, take, size, lists), func(c *scene) error {
		_, err := c.s.Submit(background, queue.Submission{Doc: paperOf(n, take, size), Lists: lists, Principal: "p",
			IdempotencyKey: fmt.Sprint(n, take), Context: []byte("trace")})
		return err
	}}
}

func takes(as, list string) act {
	return act{"lease " + as + " from " + list, func(c *scene) error {
		ctx, cancel := context.WithTimeout(background, 10*time.Second)
		defer cancel()
		ls, err := c.s.Lease(ctx, queue.Want{Lists: []queue.Weighted{{Name: list}}, Max: 1, TTL: time.Hour, Owner: "script"})
		if err == nil {
			c.held[as] = ls[0]
		}
		return err
	}}
}

// byHolder is a call by the holder of a lease.
func byHolder(name, as string, do func(s *Store, l *queue.Lease) error) act {
	return act{name + " " + as, func(c *scene) error { return do(c.s, c.held[as]) }}
}

// tagging is the progress of a link that adds a tag.
func tagging(l *queue.Lease, tag string) queue.Progress {
	d := l.Doc.Draft()
	if err := d.AddTag("tag", tag); err != nil {
		panic(err)
	}
	return queue.Progress{Edits: d.Edits(), Done: []queue.Step{queue.Step(tag + "#1")}}
}

func checkpoints(as, tag string) act {
	return byHolder("checkpoint", as, func(s *Store, l *queue.Lease) error { return s.Checkpoint(background, l, tagging(l, tag)) })
}

func commits(as, tag string) act {
	return byHolder("commit", as, func(s *Store, l *queue.Lease) error {
		_, _, err := s.Commit(background, l, tagging(l, tag), []string{"pg", "s3"})
		return err
	})
}

func finishes(as string, o queue.Outcome) act {
	return byHolder("finish", as, func(s *Store, l *queue.Lease) error { return s.Finish(background, l, o) })
}

func releases(as string, h queue.Hold) act {
	return byHolder("release", as, func(s *Store, l *queue.Lease) error { return s.Release(background, l, h) })
}

func fails(as, reason string) act {
	return byHolder("fail", as, func(s *Store, l *queue.Lease) error {
		return s.Fail(background, l, queue.Failure{Reason: reason, Link: "tag", Attempt: 1})
	})
}

func deletes(n int) act {
	return act{fmt.Sprintf("delete %d", n), func(c *scene) error { return c.s.Delete(background, scriptID(n)) }}
}

func reprocesses(list string, from queue.From) act {
	return act{"reprocess " + list, func(c *scene) error {
		_, err := c.s.Reprocess(background, list, queue.Filter{}, from, 0)
		return err
	}}
}

// script calls everything that writes, small and large, at every stage that a vCon goes through.
func script() []act {
	owes := []queue.Failure{{Reason: "storage_failed", Storage: "pg", Detail: "down"}}
	return []act{
		submits(1, 1, small, "in", "other"),
		submits(2, 1, large, "in"),
		submits(2, 2, large+1, "in"),
		submits(3, 1, small),
		takes("one", "in"),
		checkpoints("one", "a"),
		byHolder("remember", "one", func(s *Store, l *queue.Lease) error {
			return s.Remember(background, l, queue.MemoKey{1}, []byte("paid"))
		}),
		commits("one", "b"),
		byHolder("stored", "one", func(s *Store, l *queue.Lease) error { return s.Stored(background, l, "s3", 2) }),
		finishes("one", queue.Outcome{Egress: []string{"out"}, Routes: []string{"next"}, StorageFailures: owes,
			Creates: []queue.Submission{{Doc: paperOf(4, 1, large), Lists: []string{"made"}}}}),
		takes("two", "in"),
		checkpoints("two", "a"),
		releases("two", queue.Hold{CountTry: true}),
		takes("two", "in"),
		commits("two", "b"),
		releases("two", queue.Hold{Stage: queue.StageStorages, Left: []string{"pg"}, Stored: []string{"s3"}, Delay: time.Hour}),
		submits(2, 3, small),
		{"enqueue", func(c *scene) error {
			_, err := c.s.Enqueue(background, "in", []vcon.ID{scriptID(3), scriptID(9)})
			return err
		}},
		takes("three", "other"),
		checkpoints("three", "c"),
		fails("three", "link_failed"),
		reprocesses("other", queue.FromFailed),
		takes("three", "other"),
		fails("three", "again"),
		reprocesses("storage:pg", queue.FromFailed),
		takes("resave", queue.ResaveList),
		finishes("resave", queue.Outcome{}),
		takes("four", "made"),
		commits("four", "d"),
		deletes(4),
		{"told", func(c *scene) error {
			if err := c.s.Finish(background, c.held["four"], queue.Outcome{}); err == nil {
				return fmt.Errorf("a deleted vCon was finished")
			}
			return nil
		}},
		takes("deleting", queue.DeleteList),
		finishes("deleting", queue.Outcome{}),
		submits(4, 2, large, "made"),
		submits(5, 1, small, "a", "b"),
		takes("five", "a"),
		{"park", func(c *scene) error {
			ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
			defer cancel()
			_, _ = c.s.Lease(ctx, queue.Want{Lists: []queue.Weighted{{Name: "b"}}, Max: 1, TTL: time.Hour})
			return nil
		}},
		submits(5, 2, small, "c"),
		{"pop with ack", func(c *scene) (err error) {
			c.acks, err = c.s.PopAck(background, "out", 1, time.Hour)
			return err
		}},
		{"ack", func(c *scene) error { _, err := c.s.Ack(background, c.acks); return err }},
		{"pop", func(c *scene) error { _, err := c.s.Pop(background, "c", 1); return err }},
		{"purge", func(c *scene) error { _, err := c.s.Purge(background, "other", queue.Filter{}); return err }},
		{"restore", func(c *scene) error { return c.s.Restore(background, paperOf(6, 1, large), 0) }},
		{"resave", func(c *scene) error { return c.s.Resave(background, scriptID(6), []string{"pg"}) }},
		{"put", func(c *scene) error { return c.s.KVPut(background, "l", "k", []byte("v"), 0) }},
		{"reindex", func(c *scene) error { _, err := c.s.Reindex(background); return err }},
	}
}
