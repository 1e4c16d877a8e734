package vcon

import "slices"

// transferRoles checks who and which dialogs a transfer joins.
func (c *checker) transferRoles(i int, kind dialogKind) {
	target, targetName := c.m.either(fTargetDialog, fTargetDialogOld)
	person, personName := c.m.either(fTransferTarget, fTransferTargetOld)
	if kind == transfer {
		c.needRole(c.m.get(fTransferee), "transferee")
		c.needRole(c.m.get(fTransferor), "transferor")
		c.needRole(c.m.get(fOriginal), "original")
		c.needRole(target, "target_dialog")
	}
	c.partyRole(i, "transferee", c.m.get(fTransferee))
	c.partyRole(i, "transferor", c.m.get(fTransferor))
	c.partyRole(i, fieldNames[personName], person)
	c.dialogRole(i, "original", c.m.get(fOriginal))
	c.dialogRole(i, fieldNames[targetName], target)
	c.dialogRole(i, "consultation", c.m.get(fConsultation))
}

func (c *checker) needRole(v Value, name string) {
	if v == nil {
		c.missing(ruleD13, name)
	}
}

// partyRole checks a party index that drafts 01 to 03 also wrote as an array.
func (c *checker) partyRole(i int, name string, v Value) {
	c.role(name, v, func(below string, e Value) { c.partyIndex(i, below, e, name) })
}

// dialogRole checks a dialog index that drafts 01 to 03 also wrote as an array.
func (c *checker) dialogRole(i int, name string, v Value) {
	c.role(name, v, func(below string, e Value) { c.dialogIndex(i, below, e) })
}

func (c *checker) role(name string, v Value, check func(below string, e Value)) {
	if v.Kind() != Array {
		if v != nil {
			check(name, v)
		}
		return
	}
	c.add(ruleD07, name, typeInteger, "a transfer's index is one integer")
	c.enter(name)
	defer c.leave()
	for n, e := range v.Elements() {
		c.enterIndex(n)
		check("", e)
		c.leave()
	}
}

// dialogIndex checks one value of dialog i that is to be the index of another dialog.
func (c *checker) dialogIndex(i int, name string, v Value) (int, bool) {
	n, ok := v.integer()
	switch {
	case !ok:
		c.add(ruleD06, name, typeInteger, "")
	case n < 0 || n >= c.dialogs:
		c.add(ruleD06, name, typeValue, "the index is out of range (dialog has %d entries)", c.dialogs)
	case n == i:
		c.add(ruleD06, name, typeValue, "the dialog points at itself")
	default:
		return n, true
	}
	return 0, false
}

// recordingSets are the pointers between sets and recordings, checked once all dialogs are known.
type recordingSets struct {
	members []entry
	back    map[int]int // recording -> set
}

type pair struct{ set, recording int }

// entry is one element of recordings, at the index n.
type entry struct {
	pair
	n int
}

// recordingRoles checks and notes what a dialog says of recording sets.
func (c *checker) recordingRoles(i int, kind dialogKind) {
	list, back := c.m.get(fRecordings), c.m.get(fRecordingSet)
	if kind == recordingSet && list.isEmpty() {
		c.missing(ruleD11, "recordings")
	}
	if !list.isEmpty() {
		c.recordings(i, list)
	}
	if back == nil {
		return
	}
	if set, ok := c.dialogIndex(i, "recording_set", back); ok {
		if c.sets.back == nil {
			c.sets.back = make(map[int]int)
		}
		c.sets.back[i] = set
	}
}

func (c *checker) recordings(i int, list Value) {
	c.enter("recordings")
	defer c.leave()
	if list.Kind() != Array {
		c.add(ruleD06, "", typeList, "")
		return
	}
	for n, e := range list.Elements() {
		c.enterIndex(n)
		if r, ok := c.dialogIndex(i, "", e); ok {
			c.sets.members = append(c.sets.members, entry{pair{i, r}, n})
		}
		c.leave()
	}
}

// recordingSets checks that sets and recordings point at each other.
func (c *checker) recordingSets() {
	if len(c.sets.members) == 0 && len(c.sets.back) == 0 {
		return
	}
	listed := make(map[pair]bool, len(c.sets.members))
	c.enter("dialog")
	defer c.leave()
	for _, e := range c.sets.members {
		listed[e.pair] = true
		c.checkEntry(e)
	}
	for _, r := range sortedKeys(c.sets.back) {
		if !listed[pair{c.sets.back[r], r}] {
			c.disagree(r, "recording_set", "the set does not list this recording")
		}
	}
}

func (c *checker) checkEntry(e entry) {
	if e.recording >= len(c.kinds) || c.kinds[e.recording] != recording {
		c.enterIndex(e.set)
		c.enter("recordings")
		c.enterIndex(e.n)
		c.add(ruleD12, "", typeValue, "the dialog is not a recording")
		c.leave()
		c.leave()
		c.leave()
	}
	if set, ok := c.sets.back[e.recording]; !ok || set != e.set {
		c.disagree(e.set, "recordings", "a recording of the set does not point back at it")
	}
}

func (c *checker) disagree(dialog int, name, message string) {
	c.enterIndex(dialog)
	c.add(ruleD11, name, typeValue, message)
	c.leave()
}

func sortedKeys(m map[int]int) []int {
	keys := make([]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// history checks what happened to whom during a dialog.
func (c *checker) history(v Value) {
	if v == nil {
		return
	}
	if v.Kind() != Array {
		c.add(ruleD15, "party_history", typeList, "")
		return
	}
	dialog := c.path[len(c.path)-1].index
	c.enter("party_history")
	defer c.leave()
	for n, e := range v.Elements() {
		c.enterIndex(n)
		if e.Kind() == Object {
			c.event(dialog, newPart(e, atHistory))
		} else {
			c.add(ruleD15, "", typeDict, "")
		}
		c.leave()
	}
}

func (c *checker) event(dialog int, e part) {
	if v := e.Get("party"); v.isEmpty() {
		c.missing(ruleD15, "party")
	} else {
		c.partyIndex(dialog, "party", v, "party_history")
	}
	if v := e.Get("time"); v.isEmpty() {
		c.missing(ruleD15, "time")
	} else {
		c.date("time", v)
	}
	switch e.Text("event") {
	case "":
		c.missing(ruleD15, "event")
	case "join", "drop", "hold", "unhold", "mute", "unmute":
	case "dtmfdown", "dtmfup":
		c.add(ruleT16, "event", typeValue, "the event is called keydown or keyup now")
		fallthrough
	case "keydown", "keyup":
		if e.Get("button").isEmpty() {
			c.missing(ruleD15, "button")
		}
	default:
		c.add(ruleD15, "event", typeValue, "the event is not one of the draft's")
	}
}
