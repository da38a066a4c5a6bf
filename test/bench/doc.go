// Package bench measures restencil beside consul-template, and beside a program
// that does only the necessary I/O (the folder bare), on a real Consul, in one
// run: machines differ and are shared, so only ratios mean something. It needs
// Linux, because it reads what processes use from /proc.
//
//	make bench
//
// writes RESULTS.md and results.svg of this folder, the table in docs/performance.md
// and some lines of README.md, and fails where a limit is missed (scenarios_test.go has them).
//
//	go test ./test/bench -v -run 'TestBench/latency' -full
//
// measures some scenarios only, and writes nothing. Without -full the sizes
// are tiny and the figures mean nothing: "make test" does that, to see that all
// of this still works.
//
// # How it is measured
//
// All programs are built as their releases are, without cgo and stripped. Each is a
// process of its own, and writes to a directory of its own on one file system. They
// take turns, in a random order in each round. A turn is a change of the store, timed
// from the request that makes it until the file is in place: those who wait for news
// are answered at the same time as the request, so a clock that started with its
// answer would hide some of what a program does. Or a turn is a cold start, timed from
// the start of the process, each on an agent that was just started and filled. A turn
// begins when the program is idle.
//
// Other processes, and other guests of the same host, slow some turns down. So
// a figure is the mean of the better half of a program's turns: the turns that
// took the least time, and by themselves those that took the least CPU or memory.
// CPU is user and system time by the scheduler's account. That of changes is
// averaged over a tenth of the turns before the better half is taken, because
// garbage is not collected in every turn. Memory is the peak of what was
// resident (VmHWM). Where a limit is missed, the scenario is measured again, at
// most twice, after all others, and the best of each program's figures counts; make
// bench also asks for a better priority, which root gets.
//
// What slows every Go program down alike is not left out: while a program waits
// for the disk, Go's runtime wakes a thread every 20 µs, which was a third of the
// CPU of a change on a busy disk.
//
// Connections are the process's established ones to the agent, looked up every
// 20 ms while the program starts and warms up, and their peak counts. Requests
// are those that the agent has answered, by its own metrics; what still waits for
// news is not among them.
//
// Agents are servers with Consul's default configuration and their data in
// memory (/dev/shm); no dev agents, which indent their JSON. Only where
// consul-template needs more than the 200 connections that an agent allows a
// client by default have the agents that limit raised
// (limits.http_max_conns_per_client), restencil's too. These agents need to be
// allowed 12,020 open files (ulimit -Hn). The scenarios called "limit" have agents with
// the default, where consul-template never gets there.
package bench
