//go:build unix

package apply

import (
	"io/fs"
	"os"
	"syscall"
)

// chownLike gives the file at path the owner that info tells, if the process
// may, and else the group alone.
func chownLike(path string, info fs.FileInfo) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && os.Chown(path, int(st.Uid), int(st.Gid)) != nil {
		_ = os.Chown(path, -1, int(st.Gid)) // it is a copy: what it says counts
	}
}
