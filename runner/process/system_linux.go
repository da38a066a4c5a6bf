package process

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent has the kernel kill the process of cmd when this one ends in any way.
func dieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

// members returns the ids of the processes of a group, and whether they ignore a
// signal. It leaves out zombies: in many containers nobody waits for them.
func members(group int, sig os.Signal) map[int]bool {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return map[int]bool{0: false} // unknown; assume one
	}
	all := make(map[int]bool)
	for _, path := range stats {
		dir := filepath.Dir(path)
		id, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if stat, err := os.ReadFile(path); err == nil && livesIn(stat, group) {
			status, _ := os.ReadFile(filepath.Join(dir, "status"))
			all[id] = ignores(status, sig)
		}
	}
	return all
}

// livesIn reports whether the stat file of a process says that it is in the group and
// has not ended. Its state, parent and group follow the name in parentheses.
func livesIn(stat []byte, group int) bool {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 3 || string(fields[2]) != strconv.Itoa(group) {
		return false
	}
	return !bytes.Contains([]byte("ZXx"), fields[0])
}

// ignores reports whether the status file of a process says that it ignores a signal.
func ignores(status []byte, sig os.Signal) bool {
	number, ok := sig.(syscall.Signal)
	if !ok || number == 0 {
		return false
	}
	for line := range strings.Lines(string(status)) {
		if mask, ok := strings.CutPrefix(line, "SigIgn:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err == nil && bits>>(number-1)&1 == 1
		}
	}
	return false
}
