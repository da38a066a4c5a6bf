package renderer

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// fewUnwritten is how much the system may have in memory and not on disk, in
// KiB, for syncing a file system to be no more work than our own files are.
const fewUnwritten = 4 << 10

// A device tells file systems apart.
type device uint64

func deviceOf(f *os.File) (device, bool) {
	info, err := f.Stat()
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return device(stat.Dev), true
}

// littleUnwritten tells whether the system has next to nothing to write to its
// disks, and says so when that fails: syncfs(2) does from Linux 5.8 on.
func littleUnwritten() bool {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return false
	}
	defer f.Close()
	known, kib := 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if name != "Dirty" && name != "Writeback" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(rest, "kB")))
		if err != nil {
			return false
		}
		known++
		kib += n
	}
	return known == 2 && kib <= fewUnwritten && atLeastLinux(5, 8)
}

func atLeastLinux(major, minor int) bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	parts := strings.SplitN(unix.ByteSliceToString(name.Release[:]), ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(parts[1])
	return errA == nil && errB == nil && (a > major || a == major && b >= minor)
}

func syncVolume(root *os.File) error {
	if err := unix.Syncfs(int(root.Fd())); err != nil {
		return &os.PathError{Op: "syncfs", Path: root.Name(), Err: err}
	}
	return nil
}
