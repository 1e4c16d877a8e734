package vcon

// Draft is a vCon with staged edits. Reads see them. Not safe for concurrent use.
type Draft struct{ base *VCon }

// Base is the document that the edits are staged over.
func (d *Draft) Base() *VCon { return d.base }

// Get is VCon.Get over the staged state. The result is valid until the next edit.
func (d *Draft) Get(pointer string) (Value, error) { panic("vcon: next commit") }

// Count is the number of items or distinct members. Errors: ErrPointer, ErrAbsent, ErrType.
func (d *Draft) Count(pointer string) (int, error) { panic("vcon: next commit") }

// Keys are the member names of an object, decoded, in document order.
func (d *Draft) Keys(pointer string) ([]string, error) { panic("vcon: next commit") }

// Append adds value at the end of the array at pointer; one of the four core arrays is made when absent or null.
func (d *Draft) Append(pointer string, value []byte) error { panic("vcon: next commit") }

// Add is RFC 6902 add: sets or makes a member, inserts before an index, appends at "-". The parent must be there.
func (d *Draft) Add(pointer string, value []byte) error { panic("vcon: next commit") }

// Set replaces the value at pointer, or makes the member when only that is missing.
func (d *Draft) Set(pointer string, value []byte) error { panic("vcon: next commit") }

// Remove takes the value at pointer away.
func (d *Draft) Remove(pointer string) error { panic("vcon: next commit") }

// AddTag adds "name:value" to the tags attachment, in whatever form the tags have; there already: no edit.
func (d *Draft) AddTag(name, value string) error { panic("vcon: next commit") }

// RemoveTag takes away "name:value", or every value of name when all is true; it returns how many.
func (d *Draft) RemoveTag(name, value string, all bool) (int, error) { panic("vcon: next commit") }

// Tags are the "name:value" texts of every tags attachment, in document order.
func (d *Draft) Tags() []string { panic("vcon: next commit") }

// Mark remembers the present state for Rollback and EditsSince.
func (d *Draft) Mark() Mark { panic("vcon: next commit") }

// Rollback drops every edit staged after the mark.
func (d *Draft) Rollback(m Mark) { panic("vcon: next commit") }

// Edits are all staged edits, in order, fit for VCon.Apply on this or a newer text.
func (d *Draft) Edits() []Edit { panic("vcon: next commit") }

// EditsSince are the edits staged after the mark.
func (d *Draft) EditsSince(m Mark) []Edit { panic("vcon: next commit") }

// StagedBytes is the size of what the edits hold.
func (d *Draft) StagedBytes() int { panic("vcon: next commit") }

// VCon splices the edits into a new text: one copy of the document at most, none without edits.
func (d *Draft) VCon() (*VCon, error) { panic("vcon: next commit") }

// Mark is a state of a Draft.
type Mark int

// Edit is one staged change with the precondition under which it fits another text. It marshals to JSON.
type Edit struct{}
