// Package test holds what needs the built program: scripts of its command
// line, and end-to-end tests with real servers (see package servers).
package test
