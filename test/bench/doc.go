// Package bench measures the program beside consul-template and beside the
// least that the work can take, on a real Consul, in one run: machines differ
// and are shared, so only ratios mean something. It needs Linux, for it reads
// what processes use from /proc.
//
//	make bench
//
// writes RESULTS.md and results.svg of this folder and the table in README.md,
// and fails where a limit is missed (limits_test.go).
//
//	go test ./test/bench -v -run 'TestBench/latency' -full
//
// measures some scenarios only, and writes nothing. Without -full the sizes
// are tiny, and the figures mean nothing: that is for "make test", which sees
// to it that all of this still works.
//
// # How it is measured
//
// Each contender is a process of its own: restencil, consul-template, and bare,
// which does only what must be done (the folder bare). They take turns in
// random order. A turn is a change of the store, timed from Consul's answer to
// the request that makes it until the file is in place; or a cold start, timed
// from the start of the process, each on an agent that was just started and
// seeded. Contenders write to directories of their own on one file system, and
// a turn begins when all is quiet.
//
// Times are medians of the turns. CPU is user and system time of the process,
// by the scheduler's account, over all turns and what followed them, divided
// by their number. Memory is the peak of what was resident (VmHWM).
//
// Connections and requests are counted in a run of its own, since counting
// costs time: connections are the process's established ones to the agent,
// looked up every 20 ms, and their peak is what counts. Requests are those that
// the agent has answered, by its own metrics; what still waits for news is not
// among them.
//
// Agents have Consul's default configuration. Only where consul-template needs
// more than the 200 connections that an agent allows a client by default has
// its agent that limit raised (limits.http_max_conns_per_client); restencil's
// never has. That agent needs to be allowed 12,020 open files (ulimit -Hn).
package bench
