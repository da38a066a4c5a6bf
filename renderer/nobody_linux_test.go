package renderer_test

import (
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
)

const nobody = 65534

// asNobody calls fn with no more rights to files than any user has. Where the
// tests run as root, it does so in a thread of its own, which takes on another
// user id for files alone and is not used again.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	if os.Getuid() != 0 {
		fn()
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		runtime.LockOSThread()
		setFileIDs(t, nobody)
		fn()
	})
	wg.Wait()
}

func setFileIDs(t *testing.T, id uintptr) {
	// Groups and ids are the thread's; package syscall's own functions would
	// change all threads. The user comes last: it takes the rights away.
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		t.Error(errno)
	}
	for _, call := range []uintptr{syscall.SYS_SETFSGID, syscall.SYS_SETFSUID} {
		syscall.RawSyscall(call, id, 0, 0)
		if now, _, _ := syscall.RawSyscall(call, id, 0, 0); now != id {
			t.Errorf("file id is %d, want %d", now, id)
		}
	}
}
