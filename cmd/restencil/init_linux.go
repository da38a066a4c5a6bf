package main

import (
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

// asInit runs program and returns its exit code. Where the process is the
// first of its namespace, as in many a container, it also waits for the
// orphans that become its children: whatever commands leave behind.
//
// It takes no exit status from those who wait for children of their own, as
// package os/exec does. The kernel hands orphans to the main thread,
// and can be asked for the children of one thread. So the main thread does
// nothing but this, and starts no process itself.
func asInit(program func() int) int {
	if os.Getpid() != 1 {
		return program()
	}
	runtime.LockOSThread()
	if unix.Gettid() != 1 {
		// The runtime moved main to another thread while the program was
		// loading, which is rare. Begin again.
		_ = unix.Exec("/proc/self/exe", os.Args, os.Environ())
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, unix.SIGCHLD)
	code := make(chan int, 1)
	go func() { code <- program() }()
	for {
		for {
			id, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WNOTHREAD, nil)
			if id <= 0 && err != unix.EINTR {
				break
			}
		}
		select {
		case <-ends:
		case c := <-code:
			return c
		}
	}
}
