package hostabi

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vconduit/vconduit/vcon"
)

const (
	maxExpire  = 10 * 365 * 24 * time.Hour
	maxDelay   = time.Hour
	maxCreates = 100
	uuidLength = 36
)

// Route has the vCon put on list when the chain ends, also when it halts; the same list twice is once. Errors: -5 not
// in queues, -11 no legal name.
func (c *Call) Route(list []byte) int32 {
	if e := c.enter("route"); e != 0 {
		return int32(e)
	}
	if err := c.mayQueue(string(list)); err != nil {
		return int32(c.fail(err))
	}
	if !slices.Contains(c.effects.Routes, string(list)) {
		c.effects.Routes = append(c.effects.Routes, string(list))
	}
	return 0
}

// mayQueue checks a list's name, then its grant.
func (c *Call) mayQueue(list string) *callError {
	if list == "" || !utf8.ValidString(list) || bytes.ContainsFunc([]byte(list), unicode.IsControl) {
		return failure(Invalid, "%q is no list name", list)
	}
	if c.o.ListErr != nil {
		if err := c.o.ListErr(list); err != nil {
			return failure(Invalid, "%v", err)
		}
	}
	if !slices.Contains(c.o.Grants.Queues, list) {
		return failure(Denied, "list %q is not granted; allow it with queues: [%q]", list, list)
	}
	return nil
}

// Expire sets the life of the vCon in the live store, in seconds; 0 = it ends with the chain. The last call wins.
// Errors: -5, -11 below 0 or above 10 years.
func (c *Call) Expire(seconds int64) int32 {
	if e := c.enter("expire"); e != 0 {
		return int32(e)
	}
	if seconds < 0 || seconds > int64(maxExpire/time.Second) {
		return int32(c.failf(Invalid, "expire: %d seconds is not within 0 and 10 years", seconds))
	}
	if !c.o.Grants.TTL {
		return int32(c.failf(Denied, "expire is not granted; allow it with ttl: true"))
	}
	d := time.Duration(seconds) * time.Second
	c.effects.Expire = &d
	return 0
}

// RetryAfter sets the delay of a run that ends with Retry, in milliseconds. Errors: -11 not within 0 and 1 hour.
func (c *Call) RetryAfter(ms int64) int32 {
	if e := c.enter("retry_after"); e != 0 {
		return int32(e)
	}
	if ms < 0 || ms > maxDelay.Milliseconds() {
		return int32(c.failf(Invalid, "retry_after: %d ms is not within 0 and 1 hour", ms))
	}
	d := time.Duration(ms) * time.Millisecond
	c.delay = &d
	return 0
}

// VconCreate makes a vCon from v: flags 1 = it becomes the chain's, in place of this one; lists = JSON array of lists
// to put it on (empty: none). The result is 36, the uuid goes to out; with less room nothing is made. A v without uuid
// gets one that is the same when this run is repeated. Errors: -5 create or a list not granted, -9 the uuid exists,
// -6 more than 100 or over the edits' bytes, -11.
func (c *Call) VconCreate(flags int32, lists, v, out []byte) int64 {
	if e := c.enter("vcon_create"); e != 0 {
		return int64(e)
	}
	made, err := c.create(flags, lists, v)
	if err != nil {
		return int64(c.fail(err))
	}
	if len(out) >= uuidLength {
		copy(out, made.ID.String())
		c.used.Edits += int64(len(v))
		c.effects.Creates = append(c.effects.Creates, made)
	}
	return uuidLength
}

func (c *Call) create(flags int32, lists, v []byte) (made Created, err *callError) {
	if flags&^1 != 0 {
		return made, failure(Invalid, "vcon_create: flags %#x are unknown", flags)
	}
	made.Current = flags&1 != 0
	if len(lists) > 0 && json.Unmarshal(lists, &made.Lists) != nil {
		return made, failure(Invalid, "vcon_create: lists is no JSON array of names")
	}
	doc, err := c.newDocument(v)
	if err != nil {
		return made, err
	}
	made.ID, made.Text = doc.ID(), doc.Bytes()
	if !c.o.Grants.Create {
		return made, failure(Denied, "vcon_create is not granted; allow it with create: true")
	}
	for _, list := range made.Lists {
		if err := c.mayQueue(list); err != nil {
			return made, err
		}
	}
	if len(c.effects.Creates) == maxCreates || !fits(c.used.Edits, int64(len(v)), c.limits.Edits) {
		return made, failure(OverQuota, "vcon_create: more than %d vCons or %d bytes in one run", maxCreates, c.limits.Edits)
	}
	return made, c.isNew(made.ID)
}

// newDocument parses v; one without uuid gets it as its first member.
func (c *Call) newDocument(v []byte) (*vcon.VCon, *callError) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(v, &members); err != nil || members == nil {
		return nil, failure(Invalid, "vcon_create: not a JSON object")
	}
	text := slices.Clone(bytes.TrimSpace(v))
	if _, has := members["uuid"]; !has && members["payload"] == nil && members["ciphertext"] == nil {
		head := `{"uuid":"` + c.nextID().String() + `"`
		if len(members) > 0 {
			head += ","
		}
		text = append([]byte(head), text[1:]...)
	}
	doc, err := vcon.Parse(text)
	if err != nil {
		return nil, failure(Invalid, "vcon_create: %v", err)
	}
	return doc, nil
}

// nextID is the uuid of the next vCon that this run makes: from run, step and ordinal, so that a repeated run makes
// the same; its time is that of the vCon it comes from. The hash also goes where the domain does: many vCons of an
// import have one time, and with the domain alone theirs would meet.
func (c *Call) nextID() vcon.ID {
	seed := sha256.New()
	seed.Write(c.o.Run[:])
	writeField(seed, c.o.Step)
	binary.Write(seed, binary.BigEndian, uint32(len(c.effects.Creates)))
	sum := seed.Sum(nil)
	return vcon.DeriveID(c.o.Domain+hex.EncodeToString(sum), c.began(), sum)
}

// began is a time that belongs to the vCon and does not change from one run to the next.
func (c *Call) began() time.Time {
	if at, err := time.Parse(time.RFC3339, c.textAt("/created_at")); err == nil && at.Unix() > 0 {
		return at
	}
	id := c.o.Doc.Base().ID()
	if v := id[6] >> 4; v == 7 || v == 8 { // 48 bits of Unix milliseconds
		return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16))
	}
	return time.Unix(0, 0)
}

func (c *Call) isNew(id vcon.ID) *callError {
	taken := id == c.o.Doc.Base().ID() || slices.ContainsFunc(c.effects.Creates, func(m Created) bool { return m.ID == id })
	if !taken && c.o.Exists != nil {
		var err error
		if taken, err = c.o.Exists(c.ctx, id); err != nil {
			return waitError("vcon_create", err)
		}
	}
	if taken {
		return failure(Conflict, "vcon_create: %s exists", id)
	}
	return nil
}
