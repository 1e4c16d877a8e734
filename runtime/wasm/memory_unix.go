//go:build unix

package wasm

import (
	"golang.org/x/sys/unix"
)

// reserve gives n zeroed bytes that cost nothing until they are touched.
func reserve(n uint64) []byte {
	if n == 0 {
		return nil
	}
	space, err := unix.Mmap(-1, 0, int(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	return space
}

// release gives back what reserve gave. Nothing may touch it afterwards.
func release(space []byte) {
	if len(space) > 0 {
		unix.Munmap(space) // an error tells that it came from make: the collector takes it
	}
}
