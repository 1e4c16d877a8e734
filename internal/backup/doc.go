// Package backup is the format of a backup: one file with every file of a store, as of one moment.
//
// It is a tar archive in zstd, so that other tools can open it too. Its first member, vconduit-backup.json, is the Head.
// Then come the files of the store. The last member, SHA256SUMS, has the digest of each member before it, one a line and
// in their order, in the form that sha256sum -c reads. What ends before that member is no backup.
//
// Both sides stream: neither a file nor the archive is held in memory, only 150 bytes for each member.
//
// # Threat
//
// A backup may come from anybody. Names are relative, without "..", in the characters of isName; members are plain
// files; no name comes twice; sizes are bounded by what Head announces; memory is bounded whatever the bytes say. What is
// written before the end was seen is the caller's to throw away: Extract says so by its error.
//
// It leaves to others: what the files mean (queue/embedded), where they are written (the caller), encryption.
// Source: POSIX.1-2017 pax, RFC 8878 (zstd).
package backup
