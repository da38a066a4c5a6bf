// Package machine boots a copy of this system, with systemd as process 1, for tests
// that install packages and start services. What they change is gone when they end.
//
// The copy is an overlay in memory above the root of this system, in namespaces of
// its own: it has its own processes, its own network with nothing but loopback, and
// its own control groups. That takes root, Linux and systemd, and a test that has
// them not is skipped.
package machine
