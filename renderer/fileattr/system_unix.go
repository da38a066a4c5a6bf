//go:build unix

package fileattr

import (
	"io/fs"
	"syscall"
)

func ownerOf(info fs.FileInfo) Owner {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return KeepOwner()
	}
	return Owner{int(st.Uid), int(st.Gid)}
}
