package overlay

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

const (
	programName   = "restencil-overlay" // the name under which this program mounts
	programFailed = 124                 // its exit status if it could not mount

	// selfTest in the place of a command has this program read the file in the
	// place of the arguments itself.
	selfTest = "(self-test)"
)

// Main must be the first call in main. In a process that [Command] started, it mounts
// the overlays, becomes the command, and does not return.
func Main() {
	if len(os.Args) < 3 || os.Args[0] != programName {
		return
	}
	err := execCommand(os.Args[1], os.Args[2:])
	fmt.Fprintf(os.Stderr, "cannot show the command the staged files: %v\n", err)
	os.Exit(programFailed)
}

// Command returns a command that does what cmd, which has not been started, would do,
// but sees files in their places. It has its own process group.
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
	self := exec.Command("/proc/self/exe")
	self.Args = slices.Concat([]string{programName, string(spec), path}, cmd.Args)
	self.Env, self.Stdin = cmd.Env, cmd.Stdin
	self.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Cloneflags: unix.CLONE_NEWNS}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		self.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		self.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		self.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		self.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_DAC_OVERRIDE}
	}
	return self, nil
}

// Supported returns nil if the system allows overlays, else why not. It tries one, at
// the first call.
var Supported = sync.OnceValue(func() error {
	dir, err := os.MkdirTemp("", "restencil-overlay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	content, place := filepath.Join(dir, "content"), filepath.Join(dir, "place")
	if err := errors.Join(os.WriteFile(content, []byte("overlaid"), 0o600), os.Mkdir(place, 0o700)); err != nil {
		return err
	}
	file := filepath.Join(place, "file")
	cmd, err := Command(exec.Command("/proc/self/exe"), []File{{Path: file, Content: content}})
	if err != nil {
		return err
	}
	cmd.Args = append(cmd.Args[:2], selfTest, file) // a small container may have no other program
	cmd.Env = []string{}
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.New(cmp.Or(strings.TrimSpace(string(out)), err.Error()))
	}
	return nil
})

// execCommand mounts the overlays for the files in spec, and becomes the command
// whose path and arguments follow. It returns only with an error.
func execCommand(spec string, args []string) error {
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
		if err := mount(in, byDir[in]); err != nil {
			return fmt.Errorf("covering %s: %w", in, err)
		}
	}
	if err := os.Chdir(dir); err != nil { // it may be another directory now
		return err
	}
	if args[0] == selfTest {
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

// mount mounts an overlay with files over dir. What it opens stays open until the
// command takes over.
func mount(dir string, files []File) error {
	lower, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	contents := make([]*os.File, len(files)) // opened before the mounts hide them
	for i, f := range files {
		if f.Content == "" {
			continue
		}
		content, err := os.Open(f.Content)
		if err != nil {
			return err
		}
		contents[i] = content
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700"); err != nil {
		return fmt.Errorf("mounting a file system in memory: %w", err)
	}
	tmpfs, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	upper, work := fdPath(tmpfs)+"/upper", fdPath(tmpfs)+"/work"
	if err := errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(work, 0o700)); err != nil {
		return err
	}
	var like unix.Stat_t
	if err := unix.Fstatat(lower, "", &like, unix.AT_EMPTY_PATH); err != nil {
		return err
	}
	_ = os.Chown(upper, int(like.Uid), int(like.Gid)) // in a user namespace there is no other owner
	if err := os.Chmod(upper, os.FileMode(like.Mode&0o777)); err != nil {
		return err
	}
	for i, f := range files {
		if f.Content == "" {
			continue
		}
		if err := copyFile(contents[i], filepath.Join(upper, filepath.Base(f.Path))); err != nil {
			return err
		}
	}
	options := "lowerdir=" + fdPath(lower) + ",upperdir=" + upper + ",workdir=" + work
	if os.Geteuid() != 0 {
		options += ",userxattr"
	}
	if err := unix.Mount("overlay", dir, "overlay", 0, options); err != nil {
		return fmt.Errorf("mounting an overlay: %w", err)
	}
	for _, f := range files {
		if f.Content == "" {
			if err := os.Remove(filepath.Join(dir, filepath.Base(f.Path))); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(mounts)) { // parents first; the overlay hides them
		if err := unix.Mount(fdPath(mounts[path]), path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("binding %s: %w", path, err)
		}
	}
	return nil
}

func fdPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// mountsBelow opens what is mounted below dir, and returns the descriptors by path.
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
		if fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0); err == nil { // else another mount hides it
			mounts[path] = fd
		}
	}
	return mounts, nil
}

// copyFile copies a file with its mode and, where that is allowed, its owner.
func copyFile(from *os.File, to string) error {
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
