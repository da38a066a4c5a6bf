// Package process runs programs: commands that end, and a child that is
// supervised for as long as restencil runs.
//
// An [Executor] starts both, each as a rule in a process group of its own, and
// passes on what they print. A [Supervisor] keeps a [Child] running, reloads it,
// passes signals on to it, and ends it with its whole group (COMPAT 4.6, 4.7).
package process
