//go:build unix

package fileattr

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

func userID(name string) (int, error) {
	return id(name, func() (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
}

func groupID(name string) (int, error) {
	return id(name, func() (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
}

// id returns the number that a name is, or that lookUp returns; -1 for "".
func id(name string, lookUp func() (string, error)) (int, error) {
	if name == "" {
		return -1, nil
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return int(n), nil
	}
	number, err := lookUp()
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(number)
}

func ownerOf(info fs.FileInfo) Owner {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return AsItIs()
	}
	return Owner{int(st.Uid), int(st.Gid)}
}

// attainable returns mode as a file system can hold it, which is all of it.
func attainable(mode fs.FileMode) fs.FileMode { return mode }
