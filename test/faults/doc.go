// Package faults has the built program keep files while what it depends on
// fails: real Consul agents that are killed, frozen or cut off, clusters that
// lose their leaders, and replies that are not to be trusted. While that goes
// on, files are read all the time, and must never hold what no healthy Consul
// has said; afterwards they catch up. And it has the program itself killed at
// every step that it takes, and its disks be full or read-only.
//
// Each test does with its fault what fits into some seconds. With the flag
// -soak, as in "make soak", it goes on for that long.
//
// What is not here: clocks that jump. The wall clock is the machine's, so that
// setting it takes root's rights and disturbs all else; a library that fakes it
// (libfaketime) does not reach a Go program, which asks the kernel directly;
// and a time namespace has a monotonic clock of its own, but one that is fixed
// once something runs in it. Nothing that restencil waits for is reckoned by
// the wall clock, except a date in a Retry-After header. How a jump of the
// monotonic clock looks to a program, all its deadlines past at once, is what
// TestDaemonFrozen shows.
package faults
