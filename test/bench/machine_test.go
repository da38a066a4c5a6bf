package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"restencil/test/servers"
)

// machine returns a sentence that says on what was measured, and what. Began
// is the load before.
func machine(t *testing.T, began float64) string {
	t.Helper()
	return fmt.Sprintf("%s, %d cores, %.0f GiB of memory, Linux %s, files on %s, load %.1f before; Consul %s, consul-template %s, %s.",
		field("/proc/cpuinfo", "model name"), runtime.NumCPU(), memoryTotal()/(1<<20),
		kernel(), fileSystem(os.TempDir()), began,
		version(t, servers.ConsulPath(t), "version"), version(t, servers.ConsulTemplate(t), "-version"),
		strings.Replace(runtime.Version(), "go", "Go ", 1))
}

// field returns the first value of a name in a file of "name: value" lines.
func field(path, name string) string {
	for line := range strings.Lines(readText(path)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// load returns how many processes wanted to run in the last minute.
func load() float64 {
	var average float64
	_, _ = fmt.Sscan(readText("/proc/loadavg"), &average)
	return average
}

// kernel returns the kernel's version, without what its builder added.
func kernel() string {
	number, _, _ := strings.Cut(readText("/proc/sys/kernel/osrelease"), "-")
	return strings.TrimSpace(number)
}

// memoryTotal returns the machine's memory in KiB.
func memoryTotal() float64 {
	var kib float64
	_, _ = fmt.Sscan(field("/proc/meminfo", "MemTotal"), &kib)
	return kib
}

// fileSystem returns the type of the file system that a directory is on.
func fileSystem(dir string) string {
	found, kind := "", "unknown"
	for line := range strings.Lines(readText("/proc/self/mounts")) {
		f := strings.Fields(line)
		point := strings.TrimSuffix(f[1], "/") + "/"
		if strings.HasPrefix(dir+"/", point) && len(point) >= len(found) {
			found, kind = point, f[2]
		}
	}
	return kind
}

// version returns the version that a program says it has.
func version(t *testing.T, path string, args ...string) string {
	t.Helper()
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(out)) // "Consul v1.2.3", "consul-template v0.1.2 (...)"
	return strings.TrimPrefix(words[1], "v")
}

func readText(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}
