//go:build !unix

package renderer

import (
	"errors"
	"io/fs"
)

// userID returns -1 for "", and an error for any name.
func userID(name string) (int, error) {
	if name != "" {
		return 0, errors.New("managing file ownership is not supported on Windows")
	}
	return -1, nil
}

// groupID returns -1 for "", and an error for any name.
func groupID(name string) (int, error) {
	return userID(name)
}

// ownerOf returns no owner.
func ownerOf(fs.FileInfo) owner {
	return owner{-1, -1}
}

// attainable returns what can be kept of mode: whether the file is read-only.
func attainable(mode fs.FileMode) fs.FileMode {
	return mode & 0o200
}
