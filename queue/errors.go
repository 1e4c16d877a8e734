package queue

import "errors"

// Errors of every backend; match with errors.Is.
var (
	ErrNotFound    = errors.New("queue: not found")
	ErrConflict    = errors.New("queue: conflict")                                                 // Commit: the edits do not fit what the document became; KVCAS
	ErrLeaseLost   = errors.New("queue: lease lost")                                               // it ran out and somebody else may hold it
	ErrSuperseded  = errors.New("queue: superseded by a newer submission")                         // the uuid was submitted again
	ErrGone        = errors.New("queue: document deleted")                                         // DELETE while leased
	ErrIdempotency = errors.New("queue: idempotency key reused with another body")                 //
	ErrQuota       = errors.New("queue: quota of the day is used up")                              // Submit: nothing was kept
	ErrFull        = errors.New("queue: store is full")                                            // disk or memory; nothing was kept, try later
	ErrUnavailable = errors.New("queue: store unavailable")                                        // try again with backoff
	ErrListName    = errors.New("queue: list name not allowed")                                    //
	ErrBehind      = errors.New("queue: the text index lacks recent documents")                    // Search: with what it does find
	ErrClosed      = errors.New("queue: closed")                                                   //
	ErrLocked      = errors.New("queue: another process holds this data folder")                   // embedded
	ErrFormat      = errors.New("queue: the store was written by a newer version of this program") // embedded
)
