package main

import (
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

// asInit runs program and returns its exit code. Where the process is the
// first of its namespace, as in many a container, it also buries the orphans
// that become its children: whatever commands leave behind.
//
// It does so without taking the ends of other children from those who wait for
// them, as package os/exec does. The kernel hands orphans to the main thread,
// and can be asked for the children of one thread. So the main thread does
// nothing but this, and starts no process itself.
func asInit(program func() int) int {
	if os.Getpid() != 1 {
		return program()
	}
	runtime.LockOSThread()
	if unix.Gettid() != 1 {
		// The runtime moved main to another thread while the program was
		// loading, which happens once in a blue moon. Begin again.
		_ = unix.Exec("/proc/self/exe", os.Args, os.Environ())
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, unix.SIGCHLD)
	code := make(chan int, 1)
	go func() { code <- program() }()
	for {
		bury()
		select {
		case <-ends:
		case c := <-code:
			return c
		}
	}
}

// bury takes note of the children of this thread that have ended.
func bury() {
	for {
		id, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WNOTHREAD, nil)
		if id <= 0 && err != unix.EINTR {
			return
		}
	}
}
