package hostabi

import "github.com/vconduit/vconduit/vcon"

// fits refuses a change of what standard input did not carry, and of what changed since.
func (a *answer) fits(ch vcon.Change) *callError {
	if a.same {
		return nil
	}
	pointer := ch.Path
	if ch.Op == "append" {
		pointer += "/-"
	}
	if err := a.unchanged(pointer); err != nil {
		return err
	}
	switch ch.Op {
	case "add":
		return a.isNew(ch.Path)
	case "remove", "replace":
		return a.sentWhole(ch.Path)
	}
	return nil
}

// passage is a value that a pointer names or goes through.
type passage struct {
	pointer string
	through bool
}

// unchanged refuses a pointer to what is not as it was sent: to an array whose indexes may mean other elements, else to
// the value itself. An array may have grown at its end. What was not sent is not compared.
func (a *answer) unchanged(pointer string) *callError {
	if a.same || pointer == "" {
		return nil
	}
	at := a.outermost(pointer)
	passed := passage{at, at != pointer}
	kept, known := a.kept[passed]
	if !known {
		sent, err := a.sent.Get(at)
		now, _ := a.now.Get(at)
		kept = err != nil || covers(sent, now, passed.through)
		a.kept[passed] = kept
	}
	if !kept {
		return changedSince(at)
	}
	return nil
}

// outermost is the first array on the way to a pointer, else the pointer.
func (a *answer) outermost(pointer string) string {
	for i := 1; i+1 < len(pointer); i++ {
		if b := pointer[i+1]; pointer[i] != '/' || b != '-' && (b < '0' || b > '9') {
			continue // no step into an array
		}
		if v, err := a.sent.Get(pointer[:i]); err == nil && v.Kind() == vcon.Array {
			return pointer[:i]
		}
	}
	return pointer
}

// isNew refuses a new member that would take the place of one that was not sent, under either of its spellings.
func (a *answer) isNew(pointer string) *callError {
	if _, err := a.now.Get(pointer); err != nil {
		return nil
	}
	parent, _ := cut(pointer)
	sent, _ := a.sent.Get(parent)
	for name := range sent.Members() {
		if vcon.Canonical(parent+"/"+escapeStep(name)) == vcon.Canonical(pointer) {
			return nil
		}
	}
	return notSent(pointer)
}

// sentWhole refuses to drop what was not sent.
func (a *answer) sentWhole(pointer string) *callError {
	if a.c.o.Grants.Read.reach(pointer) == reachNone {
		return nil // which apply refuses
	}
	sent, _ := a.sent.Get(pointer)
	now, err := a.now.Get(pointer)
	switch {
	case err == nil && now.Equal(sent):
		return nil
	case err == nil && covers(sent, now, false):
		return notSent(pointer)
	}
	return changedSince(pointer)
}

func notSent(pointer string) *callError {
	return failure(Denied, "%q was not on standard input as a whole, so it cannot be replaced or removed", pointer)
}

func changedSince(pointer string) *callError {
	return failure(Conflict, "%q: a host function changed it after standard input was made", pointer)
}

// covers reports whether a value is what was sent, or that and more: members that were left out, elements that stood as
// null, and with grown elements that came behind.
func covers(sent, now vcon.Value, grown bool) bool {
	switch {
	case sent.Kind() == vcon.Null:
		return now != nil
	case sent.Kind() == vcon.Object && now.Kind() == vcon.Object:
		return coversMembers(sent, now)
	case sent.Kind() == vcon.Array && now.Kind() == vcon.Array:
		return coversElements(sent, now, grown)
	}
	return now.Equal(sent)
}

func coversMembers(sent, now vcon.Value) bool {
	there := lastMembers(now)
	for name, value := range lastMembers(sent) {
		if !covers(value, there[name], false) {
			return false
		}
	}
	return true
}

// lastMembers are the members of an object; of those with one name the last.
func lastMembers(object vcon.Value) map[string]vcon.Value {
	all := map[string]vcon.Value{}
	for name, value := range object.Members() {
		all[name] = value
	}
	return all
}

func coversElements(sent, now vcon.Value, grown bool) bool {
	var there []vcon.Value
	for _, element := range now.Elements() {
		there = append(there, element)
	}
	count := 0
	for i, element := range sent.Elements() {
		if count++; i >= len(there) || !covers(element, there[i], false) {
			return false
		}
	}
	return grown || count == len(there)
}
