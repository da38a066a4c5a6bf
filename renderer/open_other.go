//go:build !unix

package renderer

const nonblock = 0
