//go:build !linux

package dirlock

// A nameLock is nothing: names that are no files are there on Linux only.
type nameLock struct{}

func takeName(string) (*nameLock, error) { return &nameLock{}, nil }

func (*nameLock) close() {}
