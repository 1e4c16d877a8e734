// Package worker runs chains: it leases vCons, runs their links, commits, saves to the storages and finishes, or puts
// back, or dead-letters. It alone decides which of these an error means.
//
// Guarantees: nothing runs without a lease; every lease is prolonged by one heartbeat and its run is cancelled when the
// lease is lost, superseded or deleted; the order is links, Commit, storages, Finish, so that a conflict is found before
// any storage was written; a holder that lost its lease after it began to save orders a repair (Resave); a shutdown
// checkpoints what is done and counts no try.
//
// Left to others: what a link does (runtime/chain, hostabi), what a call of the store means (queue), metrics and log
// lines (an Observer).
package worker
