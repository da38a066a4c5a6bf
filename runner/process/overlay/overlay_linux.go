package overlay

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const programName = "restencil-overlay" // the name under which this program mounts

// Main is to be called first in main: where the process was started to mount for
// a command, it does so, becomes the command, and does not return.
func Main() {
	if len(os.Args) < 3 || os.Args[0] != programName {
		return
	}
	err := becomeCommand(os.Args[1], os.Args[2:])
	fmt.Fprintf(os.Stderr, "cannot show the command the staged files: %v\n", err)
	os.Exit(failed)
}

const failed = 124 // the exit status of a process that could not mount

// Command returns cmd, which has not been started, as one that sees the files in
// their places. It has a process group of its own.
func Command(cmd *exec.Cmd, files []File) (*exec.Cmd, error) {
	spec, err := json.Marshal(files)
	if err != nil {
		return nil, err
	}
	path, err := exec.LookPath(cmd.Args[0])
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	to := exec.Command("/proc/self/exe")
	to.Args = slices.Concat([]string{programName, string(spec), path}, cmd.Args)
	to.Env, to.Stdin = cmd.Env, cmd.Stdin
	a := &syscall.SysProcAttr{Setpgid: true, Cloneflags: unix.CLONE_NEWNS}
	to.SysProcAttr = a
	if os.Geteuid() != 0 {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
		a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_DAC_OVERRIDE}
	}
	return to, nil
}

// supported tries whether the system allows it.
var supported = sync.OnceValue(func() error {
	dir, err := os.MkdirTemp("", "restencil-overlay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	content := filepath.Join(dir, "content")
	if err := os.WriteFile(content, []byte("overlaid"), 0o600); err != nil {
		return err
	}
	place := filepath.Join(dir, "place")
	if err := os.Mkdir(place, 0o700); err != nil {
		return err
	}
	cmd, err := Command(exec.Command("/proc/self/exe"), []File{{Path: filepath.Join(place, "file"), Content: content}})
	if err != nil {
		return err
	}
	// In place of a command, which there may not be in a small container, this
	// program looks itself.
	cmd.Args = append(cmd.Args[:2], look, filepath.Join(place, "file"))
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return errors.New(cmp.Or(strings.TrimSpace(string(out)), err.Error()))
	}
	return nil
})

// look in the place of a command has this program look for a file itself.
const look = "(look)"

// Supported says why the system does not allow it, nil: it does. It tries once,
// at the first call.
func Supported() error { return supported() }

// becomeCommand mounts what spec says, and becomes the command whose path and
// arguments follow. It returns only with an error, unless it only looks.
func becomeCommand(spec string, args []string) error {
	var files []File
	if err := json.Unmarshal([]byte(spec), &files); err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	byDir := make(map[string][]File)
	for _, f := range files {
		in, err := filepath.EvalSymlinks(filepath.Dir(f.Path))
		if err != nil {
			return err
		}
		byDir[in] = append(byDir[in], f)
	}
	for _, in := range slices.Sorted(maps.Keys(byDir)) { // parents first
		if err := cover(in, byDir[in]); err != nil {
			return fmt.Errorf("covering %s: %w", in, err)
		}
	}
	if err := os.Chdir(dir); err != nil { // which may be another directory now
		return err
	}
	if args[0] == look {
		if _, err := os.ReadFile(args[1]); err != nil {
			return err
		}
		os.Exit(0)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	return unix.Exec(args[0], args[1:], os.Environ())
}

// cover mounts an overlay over dir that has files in it.
func cover(dir string, files []File) error {
	below, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	// The content is opened before it is covered.
	var contents []*os.File
	for _, f := range files {
		content, err := os.Open(f.Content)
		if err != nil {
			return err
		}
		contents = append(contents, content)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700"); err != nil {
		return fmt.Errorf("mounting a file system in memory: %w", err)
	}
	tmpfs, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	upper, work := handle(tmpfs)+"/upper", handle(tmpfs)+"/work"
	if err := errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(work, 0o700)); err != nil {
		return err
	}
	var like unix.Stat_t
	if err := unix.Fstatat(below, "", &like, unix.AT_EMPTY_PATH); err != nil {
		return err
	}
	_ = os.Chown(upper, int(like.Uid), int(like.Gid)) // who may not is the only one there
	if err := os.Chmod(upper, os.FileMode(like.Mode&0o777)); err != nil {
		return err
	}
	for i, f := range files {
		if err := lay(contents[i], filepath.Join(upper, filepath.Base(f.Path))); err != nil {
			return err
		}
	}
	options := "lowerdir=" + handle(below) + ",upperdir=" + upper + ",workdir=" + work
	if os.Geteuid() != 0 {
		options += ",userxattr"
	}
	if err := unix.Mount("overlay", dir, "overlay", 0, options); err != nil {
		return fmt.Errorf("mounting an overlay: %w", err)
	}
	for path, fd := range mounts { // which the overlay hides
		if err := unix.Mount(handle(fd), path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("binding %s: %w", path, err)
		}
	}
	return nil
}

func handle(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// mountsBelow opens what is mounted below dir, the nearest only.
func mountsBelow(dir string) (map[string]int, error) {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	mounts := make(map[string]int)
	for line := range strings.Lines(string(info)) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		path := unescape.Replace(fields[4])
		if !strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") {
			continue
		}
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			continue // hidden by another mount, or out of reach
		}
		mounts[path] = fd
	}
	for path := range mounts {
		for other := range mounts {
			if strings.HasPrefix(path, other+"/") { // it comes along with that
				delete(mounts, path)
				break
			}
		}
	}
	return mounts, nil
}

// lay copies a file with its mode and, where that is allowed, its owner.
func lay(from *os.File, to string) error {
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, from); err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid))
	}
	return f.Chmod(info.Mode())
}
