package faults

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"restencil/test/namespace"
)

// smallDisk mounts a file system of 64 KiB on a directory of the rig.
func (r *crashRig) smallDisk(name string) {
	r.t.Helper()
	if err := os.MkdirAll(r.at(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	namespace.Mount(r.t, "tmpfs", r.at(name), "tmpfs", 0, "size=64k,mode=0755")
}

// newFullRig is a bundle of two files and a plain file, on a disk of their own.
// What goes on is noted elsewhere. All of them change at once; the big value is
// in the second and the plain one.
func newFullRig(t *testing.T) *crashRig {
	r := newCrashRig(t)
	r.smallDisk("out")
	r.files = []string{r.at("out/a.conf"), r.at("out/b.conf"), r.at("out/plain.conf"), r.at("out/ballast")}
	r.write("conf.hcl", fmt.Sprintf(`
local { path = %q }
state_dir = %q
bundle "app" {
	reload = "printf x >>%s"
	retry {
		backoff     = "20ms"
		max_backoff = "100ms"
	}
}
template {
	contents    = "{{ index (key \"all\" | split \" \") 0 }}"
	destination = %q
	bundle      = "app"
}
template {
	contents    = "{{ index (key \"all\" | split \" \") 1 }}"
	destination = %q
	bundle      = "app"
}
template {
	contents    = "{{ index (key \"all\" | split \" \") 1 }}"
	destination = %q
	command     = "printf x >>%s"
}
`, r.at("data.yaml"), r.at("state"), r.at("loads"), r.files[0], r.files[1], r.files[2], r.at("ran")))
	return r
}

// want has the store say what the files are to hold.
func (r *crashRig) want(small, big string) {
	r.t.Helper()
	r.write("data.yaml", fmt.Sprintf("keys: {all: %s %s}\n", small, big))
}

// arrives waits until the files hold this and their commands have run so often.
func (d *crashDaemon) arrives(small, big string, times int) {
	d.rig.t.Helper()
	runs := strings.Repeat("x", times)
	if !d.until("in place", func() bool {
		return d.rig.have(small, big) && d.rig.text("loads") == runs && d.rig.text("ran") == runs
	}) {
		d.fatal("it ended")
	}
}

func (r *crashRig) have(small, big string) bool {
	return r.text("out/a.conf") == small && r.text("out/b.conf") == big && r.text("out/plain.conf") == big
}

// fails waits until the daemon has told of the failure of both, and asserts
// that nothing has changed on disk.
func (d *crashDaemon) fails(reason, small, big string, before map[string]fs.FileInfo) {
	d.rig.t.Helper()
	d.until("told", func() bool {
		log := d.printed()
		return strings.Count(log, reason) > 2 && strings.Contains(log, "app: ") && strings.Contains(log, "plain.conf")
	})
	if !d.rig.have(small, big) {
		d.fatal("the files hold %q, %.20q and %.20q", d.rig.text("out/a.conf"), d.rig.text("out/b.conf"), d.rig.text("out/plain.conf"))
	}
	for path, was := range before {
		if is, err := os.Lstat(path); err != nil || !os.SameFile(is, was) || is.Mode() != was.Mode() || !is.ModTime().Equal(was.ModTime()) {
			d.fatal("%s is not what it was: %v", path, err)
		}
	}
}

func (r *crashRig) look() map[string]fs.FileInfo {
	r.t.Helper()
	infos := make(map[string]fs.FileInfo)
	for _, path := range r.files[:3] {
		info, err := os.Lstat(path)
		if err != nil {
			r.t.Fatal(err)
		}
		infos[path] = info
	}
	return infos
}

// TestDiskFull: while the disk has no room, the old files stay, and the log says
// why. When it has, the new ones come, and the commands run once.
func TestDiskFull(t *testing.T) {
	if !namespace.Own(t, programKey+"="+crashProgram(t)) {
		return
	}
	r := newFullRig(t)
	r.want("one", "two")
	d := r.start()
	d.ready()
	d.arrives("one", "two", 1)
	before := r.look()

	// tmpfs counts whole pages; a few are left.
	if err := os.WriteFile(r.at("out/ballast"), make([]byte, 44<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("b", 12<<10)
	r.want("three", big)
	d.fails("no space left on device", "one", "two", before)
	if s := r.strays(); len(s) > 2 { // of an attempt that is under way
		t.Errorf("left behind: %q", s)
	}
	if err := os.Remove(r.at("out/ballast")); err != nil {
		t.Fatal(err)
	}
	d.arrives("three", big, 2)
	d.stop()
	if s := r.strays(); s != nil {
		t.Errorf("left behind: %q", s)
	}
}

// TestStateDiskFull: no room for the journal is no reason not to go on.
func TestStateDiskFull(t *testing.T) {
	if !namespace.Own(t, programKey+"="+crashProgram(t)) {
		return
	}
	r := newFullRig(t)
	r.smallDisk("state")
	if err := os.WriteFile(r.at("state/ballast"), make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	r.want("one", "two")
	d := r.start()
	d.ready()
	d.arrives("one", "two", 1)
	r.want("three", "four")
	d.arrives("three", "four", 2)
	if log := d.printed(); !strings.Contains(log, "[WARN]") || !strings.Contains(log, "no space left on device") {
		d.fatal("no warning")
	}
	if err := os.Remove(r.at("state/ballast")); err != nil {
		t.Fatal(err)
	}
	r.want("five", "six")
	d.arrives("five", "six", 3)
	d.until("noted", func() bool { // that the commands have ended
		log := d.printed()
		return strings.Count(log, "applied in") == 3 && strings.Count(log, `": ran in `) == 3
	})
	d.stop()
	d = r.start()
	d.ready()
	d.arrives("five", "six", 3)
	d.stop()
}

// TestReadOnlyDisk: the same with a file system that becomes read-only, as one
// with errors does.
func TestReadOnlyDisk(t *testing.T) {
	if !namespace.Own(t, programKey+"="+crashProgram(t)) {
		return
	}
	r := newFullRig(t)
	r.want("one", "two")
	d := r.start()
	d.ready()
	d.arrives("one", "two", 1)
	before := r.look()
	r.remount(syscall.MS_RDONLY)
	r.want("three", "four")
	d.fails("read-only file system", "one", "two", before)
	r.remount(0)
	d.arrives("three", "four", 2)
	d.stop()
}

func (r *crashRig) remount(flags uintptr) {
	r.t.Helper()
	if err := syscall.Mount("tmpfs", r.at("out"), "tmpfs", syscall.MS_REMOUNT|flags, "size=64k"); err != nil {
		r.t.Skip("remounting: ", err)
	}
}

// TestNobodySeesMore looks at all files of a directory all the time while they
// are rendered over and over: none ever has a wider mode than it is to have, not
// even a temporary one and not with a careless umask; nor is a destination ever
// anybody else's.
func TestNobodySeesMore(t *testing.T) {
	r := newCrashRig(t)
	owner, setting := os.Getuid(), ""
	if nobody, err := user.Lookup("nobody"); err == nil && owner == 0 {
		owner, _ = strconv.Atoi(nobody.Uid)
		setting = `user = "nobody"`
	}
	conf := fmt.Sprintf("local { path = %q }\nstate_dir = %q\nbundle \"app\" { reload = \"true\" }\n", r.at("data.yaml"), r.at("state"))
	for i, more := range []string{`bundle = "app"`, `bundle = "app"`, `command = "true"`, "backup = true"} {
		conf += fmt.Sprintf(`
template {
	contents    = "{{ key \"gen\" }}"
	destination = %q
	perms       = 0600
	%s
	%s
}
`, r.at(fmt.Sprintf("out/%d.conf", i)), more, setting)
	}
	r.write("conf.hcl", conf)
	r.next()
	d := r.command()
	d.cmd.Args = append([]string{"sh", "-c", `umask 0; exec "$@"`, "sh"}, d.cmd.Args...)
	d.cmd.Path = "/bin/sh"
	r.launch(d)
	d.ready()
	stop := make(chan struct{})
	var sampling sync.WaitGroup
	samples := 0
	sampling.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				samples += r.sample(owner)
			}
		}
	})
	gen := 0
	for end := time.Now().Add(crashTime(3 * time.Second)); (gen < 10 || time.Now().Before(end)) && !t.Failed(); {
		gen = r.next()
		d.until("rendered", func() bool { return r.text("out/3.conf") == strconv.Itoa(gen) })
	}
	close(stop)
	sampling.Wait()
	d.stop()
	t.Logf("%d renderings, %d looks at a file", gen, samples)
	if samples < 1000 {
		t.Error("that is too few to mean anything")
	}
}

// sample looks at each file once, and returns how many there are.
func (r *crashRig) sample(owner int) (n int) {
	entries, err := os.ReadDir(r.at("out"))
	if err != nil {
		r.t.Error(err)
	}
	for _, e := range entries {
		info, err := os.Lstat(filepath.Join(r.at("out"), e.Name()))
		if err != nil {
			continue // it was temporary
		}
		n++
		if info.Mode().Perm()&^0o600 != 0 {
			r.t.Errorf("%s has the mode %v", e.Name(), info.Mode())
		}
		if got := int(info.Sys().(*syscall.Stat_t).Uid); got != owner && strings.HasSuffix(e.Name(), ".conf") {
			r.t.Errorf("%s belongs to %d, want %d", e.Name(), got, owner)
		}
	}
	return n
}
