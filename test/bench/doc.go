// Package bench measures the program beside consul-template and beside the
// least that the work can take, on a real Consul, in one run: the machines
// are shared, so only ratios mean something.
//
//	make bench
package bench
