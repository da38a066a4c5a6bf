//go:build !unix

package fileattr

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

func groupID(name string) (int, error) { return userID(name) }

func ownerOf(fs.FileInfo) Owner { return AsItIs() }

// attainable returns what can be kept of mode: whether the file is read-only.
func attainable(mode fs.FileMode) fs.FileMode { return mode & 0o200 }
