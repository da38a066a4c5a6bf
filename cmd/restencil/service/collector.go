package service

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// tuneCollector has the garbage collector do as suits a daemon with templates of so many
// bytes, unless GOGC says something else. Until the first files are rendered, little is
// garbage: it does not run until the heap has 14 MiB, and room for what templates of many
// calls need, and then as it does by itself, for the more there is, the more of it is
// garbage. After that so little is allocated that it may run more than twice as often, for
// 2 MiB less in memory. Rendered is to be called then; after a while it is called anyway.
// What only the start has used is returned to the system soon after it, so not by a run
// that ends then.
func tuneCollector(templates int) (rendered func()) {
	const (
		starting = 350 // percent of 4 MiB
		most     = 1600
		usual    = 64 << 10            // bytes; most templates have fewer
		each     = 4 << 20 / 100 / 100 // bytes for a percent: a call takes 100 times its length, with its query and answer
		itself   = 100
		running  = 40
		longest  = 2 * time.Second
		soon     = 100 * time.Millisecond
	)
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	debug.SetGCPercent(min(starting+max(0, templates-usual)/each, most))
	var started atomic.Bool
	runtime.AddCleanup(new(*int), func(int) { // by the first run
		if !started.Load() {
			debug.SetGCPercent(itself)
		}
	}, 0)
	run := sync.OnceFunc(func() {
		started.Store(true)
		debug.SetGCPercent(running)
		time.AfterFunc(soon, debug.FreeOSMemory)
	})
	late := time.AfterFunc(longest, run)
	return func() {
		late.Stop()
		run()
	}
}
