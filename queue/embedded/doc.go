// Package embedded is the queue on one folder of one machine: SQLite for everything small, immutable files for large
// documents. It needs no server; unit tests open it in a temporary folder.
//
// # What it guarantees
//
// One goroutine, the writer, owns the only connection that writes. It takes the operations that wait, runs them in one
// transaction, and answers them after the commit, which fsyncs the write-ahead log (WAL, synchronous=FULL). So what was
// answered survives any one crash, of the process or of the machine, and a crash keeps a prefix of the transactions,
// each whole: a document is never without its list entries, a lease never without its crash count, an egress entry
// never without the end of its lease.
//
// Lease, Commit, Release and Finish do not wait for the disk (synchronous=NORMAL), unless they share a transaction with
// something that does. Any crash of the process keeps them. A crash of the machine may forget the last of them,
// together, as a prefix is kept: the vCon is leased again, and what links did without paying for it (Checkpoint and
// Remember wait) is done again, saved again, and put on its egress list again. Nobody has taken the forgotten entry from
// there, as Pop waits for the disk and thereby for everything before it. A storage may see a revision number twice then,
// with another text: the later save is the right one. This takes every fsync out of a vCon's way through a chain.
//
// An operation that fails before it writes takes nothing back but itself. One that fails after it wrote makes the writer
// roll the group back and run each of its operations in a transaction of its own: a bad one hurts no neighbour.
//
// A document above 256 kB is a file: written and fsynced, with its folder, before the transaction that names it;
// unlinked after the transaction that drops the name, once that is on the disk. A crash between leaves a file that
// nobody names, which the next Open removes. Files are never changed.
//
// Leases live in memory: who holds what, until when, by which token. What must outlive the process is in the entry: that
// it is leased, and its crash count, raised in the same transaction. Open returns every leased entry to its list, as
// all holders died with the process; a count of three makes it a suspect, which only a worker with nothing else in
// flight gets, and the second such lease that ends in a crash makes it a dead letter.
//
// A full disk refuses Submit with ErrFull, and gives up a ballast file so that ends of leases and deletions still go
// through. An error of fsync cannot be answered truthfully by anyone: it ends the process (Options.Fatal).
//
// The words of documents are in a full-text index (FTS5), which a goroutine of its own brings up to date in the writer's
// idle time. Every transaction that changes a text marks its document as unread, and no search finds by words of an
// unread document; one that removes a document takes its words away. A search has what is unread indexed before it
// looks. On a connection that reads, PRAGMA integrity_check takes what others added to that index since its last search
// for damage: search first, or use a new connection.
//
// # What it leaves to others
//
// One process at a time: a second Open of the folder is ErrLocked. Programs may read the database beside it ("sqlite3
// -readonly"), as Inspect does; writing to it from outside is not supported. Encryption is the file system's. Snapshot
// and Receive give and take the files of a backup; its format is another package's.
//
// # Steps
//
// Options.Step is called at these points, in this order, so that tests can kill the process or fail the step there:
// "blob.write", "blob.sync", "blob.dir" (a large document, before its transaction); "begin", "item" (before each
// operation of a group), "commit", "committed" (kept, nobody answered yet), "unlink" (before files that nobody
// names any more go), "answer" (before each answer), "checkpoint" (before pages move from the log to the database).
//
// Source: https://sqlite.org/wal.html, https://sqlite.org/pragma.html#pragma_synchronous.
package embedded
