//go:build !unix

package config

import "io/fs"

// inode is not to be had here; time of change and size must do.
func inode(fs.FileInfo) uint64 { return 0 }
