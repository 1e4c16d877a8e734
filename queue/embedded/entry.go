package embedded

import (
	"database/sql/driver"
	"encoding/json"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// state is where on its list an entry is.
type state int64

const (
	ready   state = 0 // waits, in order of seq
	delayed state = 1 // comes back at due
	leased  state = 2 // somebody works it
	suspect state = 3 // crashed too often: from due on, for a worker with nothing else in flight
	held    state = 4 // popped with a promise to acknowledge
	parked  state = 5 // its uuid is leased; comes back when that lease ends
)

// crashLimit is the number of crashes that makes a suspect, soloLimit the number of solo crashes that makes a dead
// letter.
const (
	crashLimit = 3
	soloLimit  = 2
)

// entry is one id on one list with what is known about working it.
type entry struct {
	list    *list
	state   state
	seq     int64
	id      vcon.ID
	work    bool // counted in doc.pend: holds its document
	gen     uint64
	at      int64
	due     int64
	run     queue.RunID
	tries   int64
	crashes int64
	solo    int64
	stage   queue.Stage
	job     job
	ctx     []byte
	err     string
}

// job is the part of an entry's history that is a text in its row.
type job struct {
	Done    []queue.Step  `json:"done,omitempty"`
	Effects queue.Effects `json:"effects,omitzero"`
	Left    []string      `json:"left,omitempty"`
	Stored  []string      `json:"stored,omitempty"`
}

func (j job) isZero() bool {
	e := j.Effects
	return j.Done == nil && j.Left == nil && j.Stored == nil && !e.Halted && e.Routes == nil && e.Creates == nil && e.Expire == nil
}

// encode is the column's value; NULL for nothing.
func (j job) encode() (any, error) {
	if j.isZero() {
		return nil, nil
	}
	text, err := json.Marshal(j)
	return string(text), err
}

func decodeJob(text string) (j job, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &j)
	}
	return j, err
}

// forget makes the entry new: nothing was done for the generation that the document has now.
func (e *entry) forget() {
	e.gen, e.run, e.tries, e.crashes, e.solo, e.err = 0, queue.RunID{}, 0, 0, 0, ""
	if e.stage == queue.StageLinks || e.stage == queue.StageStorages {
		e.stage, e.job = queue.StageLinks, job{}
	}
}

const entryColumns = `seq, uuid, work, gen, at, due, run, tries, crashes, solo, stage, job, ctx, err`

func scanEntry(l *list, st state, row []driver.Value) (e entry, err error) {
	e = entry{list: l, state: st, seq: asInt(row[0]), work: asInt(row[2]) != 0, gen: uint64(asInt(row[3])), at: asInt(row[4]),
		due: asInt(row[5]), tries: asInt(row[7]), crashes: asInt(row[8]), solo: asInt(row[9]),
		stage: queue.Stage(asInt(row[10])), ctx: asBlob(row[12]), err: asText(row[13])}
	copy(e.id[:], asBlob(row[1]))
	copy(e.run[:], asBlob(row[6]))
	e.job, err = decodeJob(asText(row[11]))
	return e, err
}

// entries reads up to n entries of a list in one state, lowest place first.
func (t *tx) entries(l *list, st state, n int) (es []entry, err error) {
	err = t.each(func(row []driver.Value) error {
		e, err := scanEntry(l, st, row)
		es = append(es, e)
		return err
	}, `SELECT `+entryColumns+` FROM entry WHERE list=? AND state=? ORDER BY seq LIMIT ?`, l.id, int64(st), int64(n))
	return es, err
}

// count is the figure of a list that counts entries of a state.
func (c *counts) count(st state) *int64 {
	switch st {
	case ready:
		return &c.Ready
	case leased, held:
		return &c.Leased
	default:
		return &c.Delayed
	}
}

// place gives out a place: below all others for the head of the ready ones, else above all.
func (c *counts) place(head bool) int64 {
	if head {
		c.head--
		return c.head
	}
	c.tail++
	return c.tail
}

// push puts a new entry at the tail of its list.
func (t *tx) push(e entry) error {
	c := t.change(e.list)
	e.seq = c.place(false)
	*c.count(e.state)++
	text, err := e.job.encode()
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO entry(list, state, seq, uuid, work, gen, at, due, run, tries, stage, job, ctx)
		VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)`, e.list.id, int64(e.state), e.seq, e.id[:], asBit(e.work), int64(e.gen), e.at,
		orNull(e.due), runColumn(e.run), orNull(e.tries), orNull(int64(e.stage)), text, blobOrNull(e.ctx))
	return err
}

// move rewrites an entry in another state: at the head when it becomes ready, unless it was never there.
func (t *tx) move(e *entry, to state) error {
	c := t.change(e.list)
	*c.count(e.state)--
	*c.count(to)++
	from, seq := e.state, e.seq
	e.state, e.seq = to, c.place(to == ready)
	if to != delayed && to != suspect {
		e.due = 0
	}
	text, err := e.job.encode()
	if err != nil {
		return err
	}
	_, err = t.exec(`UPDATE entry SET state=?, seq=?, work=?, gen=?, due=?, run=?, tries=?, crashes=?, solo=?, stage=?, job=?, err=?
		WHERE list=? AND state=? AND seq=?`, int64(to), e.seq, asBit(e.work), int64(e.gen), orNull(e.due), runColumn(e.run),
		orNull(e.tries), orNull(e.crashes), orNull(e.solo), orNull(int64(e.stage)), text, orNull(e.err),
		e.list.id, int64(from), seq)
	return err
}

// save rewrites the job of an entry that stays where it is.
func (t *tx) save(e *entry) error {
	text, err := e.job.encode()
	if err != nil {
		return err
	}
	_, err = t.exec(`UPDATE entry SET tries=?, stage=?, job=? WHERE list=? AND state=? AND seq=?`,
		orNull(e.tries), orNull(int64(e.stage)), text, e.list.id, int64(e.state), e.seq)
	return err
}

// remove takes an entry off its list. Its document is let go by the caller.
func (t *tx) remove(e *entry) error {
	*t.change(e.list).count(e.state)--
	_, err := t.exec(`DELETE FROM entry WHERE list=? AND state=? AND seq=?`, e.list.id, int64(e.state), e.seq)
	return err
}

func runColumn(r queue.RunID) any {
	if r == (queue.RunID{}) {
		return nil
	}
	return r[:]
}

func asBit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
