//go:build !linux

package main

// asInit runs program and returns its exit code.
func asInit(program func() int) int { return program() }
