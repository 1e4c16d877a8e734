// Package link is the SDK for authors of links in Go: the Host interface, one method per host function, and helpers.
// The same source runs natively (as a builtin link) and as a sandboxed guest. Standard library only.
package link
