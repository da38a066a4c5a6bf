// Package namespace lets tests mount file systems: it runs them again in a mount
// namespace of their own, as root there. It works on Linux, where the system
// allows it, and skips the tests elsewhere.
package namespace
