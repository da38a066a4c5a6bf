//go:build unix

package renderer

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// userID returns the id of a user given by name or decimal id, and -1 for "".
func userID(name string) (int, error) {
	if id, ok := decimalID(name); ok {
		return id, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(u.Uid)
}

// groupID returns the id of a group given by name or decimal id, and -1 for "".
func groupID(name string) (int, error) {
	if id, ok := decimalID(name); ok {
		return id, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}

func decimalID(name string) (id int, ok bool) {
	if name == "" {
		return -1, true
	}
	n, err := strconv.ParseUint(name, 10, 32)
	return int(n), err == nil
}

// ownerOf returns the owner of the file that info is of.
func ownerOf(info fs.FileInfo) owner {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return owner{-1, -1}
	}
	return owner{int(st.Uid), int(st.Gid)}
}

// attainable returns mode as a file system can hold it, which is all of it.
func attainable(mode fs.FileMode) fs.FileMode {
	return mode
}
