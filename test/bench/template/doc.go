// Package template measures the execution of templates beside
// consul-template's own template package, on the same data, in one run: the
// machines are shared, so only ratios mean something. It is a module of its
// own, so that nothing of consul-template enters the product's.
//
//	make bench
package template
