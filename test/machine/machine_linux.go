package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"restencil/test/await"
	"restencil/test/daemon"
	"restencil/test/servers"
)

// A Machine is a system that has been booted.
type Machine struct {
	t    testing.TB
	pid  int // of its process 1, outside
	init *daemon.Daemon
}

// boot is run in the namespaces of the machine, with an empty directory and the
// units that are not to be started.
const boot = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
cd "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" .
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
mkdir dev/pts dev/shm
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty dev/
ln -s /proc/self/fd dev/fd
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666
ln -s pts/ptmx dev/ptmx
shift
for unit; do ln -sfn /dev/null "etc/systemd/system/$unit"; done
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test unshare -C chroot . /lib/systemd/systemd --system --unit=basic.target --log-target=null --show-status=0
`

// unwanted are units that a machine without hardware has no use for.
var unwanted = []string{
	"networking.service", "systemd-networkd.service", "NetworkManager.service", "systemd-udevd.service", "systemd-udev-trigger.service",
	"systemd-udevd-kernel.socket", "systemd-udevd-control.socket", "systemd-hwdb-update.service", "systemd-binfmt.service", "systemd-modules-load.service",
	"systemd-remount-fs.service", "systemd-resolved.service", "systemd-timesyncd.service", "keyboard-setup.service", "apparmor.service",
	"dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "tmp.mount",
}

// Boot returns a machine that runs until the test ends.
func Boot(t testing.TB) *Machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("booting a machine takes root")
	}
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		servers.Missing(t, "the system's package systemd is not installed: "+err.Error())
	}
	cmd := exec.Command("sh", append([]string{"-c", boot, "boot", t.TempDir()}, unwanted...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		Pdeathsig:   syscall.SIGKILL,
		UseCgroupFD: true,
		CgroupFD:    controlGroup(t),
	}
	d := daemon.Start(t, cmd)
	m := &Machine{t: t, pid: cmd.Process.Pid, init: d}
	await.Within(t, time.Minute, func() error {
		d.MustBeAlive()
		out, err := m.Command("systemctl is-active basic.target").CombinedOutput()
		if err != nil {
			return fmt.Errorf("the machine is not up: %w: %s", err, out)
		}
		return nil
	})
	return m
}

// controlGroup makes a control group for a machine, and returns a descriptor of it.
func controlGroup(t testing.TB) int {
	t.Helper()
	root := "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/unified/cgroup.procs"); err == nil {
		root += "/unified"
	}
	dir := filepath.Join(root, "restencil-test-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip("no control group to be had: ", err)
	}
	file, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		file.Close()
		await.Eventually(t, func() error { return removeGroup(dir) })
	})
	return int(file.Fd())
}

// removeGroup removes a control group with those below it. They are in use until
// the kernel has reaped their last process.
func removeGroup(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	for len(dirs) > 0 {
		last := len(dirs) - 1
		err = errors.Join(err, unix.Rmdir(dirs[last]))
		dirs = dirs[:last]
	}
	return err
}

// Root is the path at which this process sees the machine's files.
func (m *Machine) Root() string { return filepath.Join("/proc", strconv.Itoa(m.pid), "root") }

// longest is how long a command in a machine may take.
const longest = 2 * time.Minute

// Command returns a command that runs a line of shell in the machine, as root in
// its /root. It is killed when it takes too long, and when the test ends.
func (m *Machine) Command(line string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(m.t.Context(), longest)
	m.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "nsenter", "-t", strconv.Itoa(m.pid), "-m", "-p", "-n", "-u", "-i", "-C", "-r", "-w", "sh", "-c", "cd /root; "+line)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	cmd.WaitDelay = time.Second // what nsenter has started outlives it
	return cmd
}

// Run runs a line of shell in the machine, and returns what it prints without the
// last newline. A failure ends the test.
func (m *Machine) Run(line string) string {
	m.t.Helper()
	out, err := m.Command(line).CombinedOutput()
	if err != nil {
		log, _ := m.Command("journalctl --no-pager -n 50").CombinedOutput()
		m.t.Fatalf("$ %s\n%s%v\nThe journal:\n%s", line, out, err, log)
	}
	return strings.TrimSuffix(string(out), "\n")
}
