package service

import (
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// tuneCollector has the garbage collector do as suits a daemon, unless GOGC says
// something else. Until the first files are rendered, little is garbage: it does not run
// until the heap has 16 MiB. (With 40, a start with 10,000 keys would take 10 ms less,
// and one with hundreds of services 9 MiB more.) After that so little is allocated that
// it may run more than twice as often as it does by itself, for 2 MiB less in memory.
// Rendered is to be called then; after a while it is called anyway. What only the start
// has used is returned to the system soon after it, so not by a run that ends then.
func tuneCollector() (rendered func()) {
	const (
		starting = 400 // percent
		running  = 40
		longest  = 2 * time.Second
		soon     = 100 * time.Millisecond
	)
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	debug.SetGCPercent(starting)
	rendered = sync.OnceFunc(func() {
		debug.SetGCPercent(running)
		time.AfterFunc(soon, debug.FreeOSMemory)
	})
	time.AfterFunc(longest, rendered)
	return rendered
}
