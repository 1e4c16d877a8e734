//go:build !wasip1

package link

// Export makes run the link of a guest; in a native program it does nothing.
func Export(run Func) {}

// OnStart has check run in a guest before the first vCon comes; in a native program it does nothing.
func OnStart(check func(s *Start) error) {}
