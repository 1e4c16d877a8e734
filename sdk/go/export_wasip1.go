//go:build wasip1

package link

import "errors"

// What this guest is, set by init of package main.
var (
	exported Func
	onStart  func(s *Start) error
)

// Export makes run the link of this guest. Call it from init of package main, whose main stays empty:
//
//	func init() { link.Export(Run) }
//	func main() {}
//
// Build with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags=-w. Outside a guest Export does nothing, so
// that the same package can be tested natively.
func Export(run Func) { exported = run }

// OnStart has check run once before the first vCon comes: an error refuses the module, so that a mistake in the options
// is found when the config is loaded and not by a conversation. Call it from init, beside Export. What check leaves in
// package variables is there in every run, and must not be changed by one.
//
//	link.OnStart(func(s *link.Start) error { return s.Options(new(Options)) })
func OnStart(check func(s *Start) error) { onStart = check }

// vconLinkInit starts the guest.
//
//go:wasmexport vcon_link_init
func vconLinkInit() (result int32) {
	defer rescue(imported{}, &result)
	if ExecStart(imported{}, startCheck) != nil {
		return 1
	}
	return 0
}

// startCheck refuses a module that exports nothing, and asks the module's own hook.
func startCheck(s *Start) error {
	if exported == nil {
		return errors.New("the module exports no link: call link.Export in init")
	}
	if onStart == nil {
		return nil
	}
	return onStart(s)
}

// vconLinkRun runs the link over one vCon.
//
//go:wasmexport vcon_link_run
func vconLinkRun(int32) (result int32) {
	defer rescue(imported{}, &result)
	return int32(Exec(imported{}, exported).Verdict)
}
