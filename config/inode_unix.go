//go:build unix

package config

import (
	"io/fs"
	"syscall"
)

// inode tells a file from the one that was renamed over it within the clock's resolution.
func inode(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}
