package metrics

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// process adds what is known of the process, which began at a time. Its names are those
// of Prometheus' own libraries.
func (t text) process(began time.Time) {
	t.add(gauge, "process_start_time_seconds", "When the process began.", seconds(began))
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	t.add(gauge, "go_memstats_heap_alloc_bytes", "What objects on the heap take, with those that are garbage and not yet freed.", float64(heap.HeapAlloc))
	t.add(gauge, "go_goroutines", "How many goroutines there are.", float64(runtime.NumGoroutine()))
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		t.add(gauge, "process_open_fds", "How many file descriptors are open.", float64(len(files)-1)) // that of the directory is closed
	}
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return // not Linux
	}
	const user, system, resident = 14 - 3, 15 - 3, 24 - 3 // fields, as proc(5) numbers them, after the name
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) <= resident {
		return
	}
	field := func(i int) float64 {
		n, _ := strconv.ParseFloat(fields[i], 64)
		return n
	}
	const tick = 100 // a second, for all programs
	t.add(counter, "process_cpu_seconds_total", "How long the process has run on processors, in user and system mode.", (field(user)+field(system))/tick)
	t.add(gauge, "process_resident_memory_bytes", "How much memory is resident.", field(resident)*float64(os.Getpagesize()))
}
