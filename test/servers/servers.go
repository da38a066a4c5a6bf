// Package servers gives tests the real programs that restencil works with:
// Consul, Vault, Nomad, PostgreSQL, nginx, and consul-template as the oracle of what a
// template means.
//
// The servers come from the Go module proxy (README.md in this folder) and are
// built by "make servers" into .cache/bin of the module's root; nginx and
// PostgreSQL are system packages. A test that asks for a program that is not there is skipped
// with a line that says how to get it. Where the environment variable
// RESTENCIL_TEST_SERVERS is "required", as in "make test", it fails instead.
//
// Everything listens on loopback, on ports that were free, and keeps its files
// in the test's temporary directory (PostgreSQL beside it). What a test starts ends with it: at the
// latest when the test process dies, however it dies (that last on Linux only).
//
// Methods that can fail report through the testing.TB that started the
// program, and so belong to the test's own goroutine.
package servers

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const (
	// binVariable names a folder to take the servers from instead of .cache/bin.
	binVariable = "RESTENCIL_SERVERS_BIN"

	// requiredVariable, set to "required", turns a missing program from a
	// skipped test into a failed one.
	requiredVariable = "RESTENCIL_TEST_SERVERS"
)

// ConsulPath returns the path of the consul binary, or skips the test.
func ConsulPath(t testing.TB) string {
	t.Helper()
	return built(t, "consul")
}

// VaultPath returns the path of the vault binary, or skips the test.
func VaultPath(t testing.TB) string {
	t.Helper()
	return built(t, "vault")
}

// NomadPath returns the path of the nomad binary, or skips the test.
func NomadPath(t testing.TB) string {
	t.Helper()
	return built(t, "nomad")
}

// ConsulTemplate returns the path of consul-template, the oracle, or skips the
// test.
func ConsulTemplate(t testing.TB) string {
	t.Helper()
	return built(t, "consul-template")
}

// NginxPath returns the path of the system's nginx, or skips the test.
func NginxPath(t testing.TB) string {
	t.Helper()
	return installed(t, "nginx")
}

// HAProxyPath returns the path of the system's HAProxy, or skips the test.
func HAProxyPath(t testing.TB) string {
	t.Helper()
	return installed(t, "haproxy")
}

// HeyPath returns the path of hey, which makes load, or skips the test.
func HeyPath(t testing.TB) string {
	t.Helper()
	return built(t, "hey")
}

// CurlPath returns the path of the system's curl, which examples use, or skips
// the test.
func CurlPath(t testing.TB) string {
	t.Helper()
	return installed(t, "curl")
}

// RPMPath returns the path of the system's rpm, or skips the test.
func RPMPath(t testing.TB) string {
	t.Helper()
	return installed(t, "rpm")
}

// ChromiumPath returns the path of the system's Chromium, or skips the test.
func ChromiumPath(t testing.TB) string {
	t.Helper()
	return installed(t, "chromium")
}

// PromtoolPath returns the path of Prometheus' promtool, or skips the test.
func PromtoolPath(t testing.TB) string {
	t.Helper()
	return installed(t, "promtool")
}

// PrometheusPath returns the path of the system's Prometheus, or skips the test.
func PrometheusPath(t testing.TB) string {
	t.Helper()
	return installed(t, "prometheus")
}

// AxePath returns the path of axe-core, a script that finds what keeps people from
// using a page, or skips the test.
func AxePath(t testing.TB) string {
	t.Helper()
	return built(t, "axe.min.js")
}

// packageOf returns the name of the system's package that has a program.
func packageOf(program string) string {
	switch program {
	case "initdb", "postgres", "psql":
		return "postgresql"
	case "promtool":
		return "prometheus"
	default:
		return program
	}
}

// PostgresPath returns the path of the system's postgres, or skips the test.
func PostgresPath(t testing.TB) string {
	t.Helper()
	return installed(t, "postgres")
}

// Django skips the test where the system lacks what runs a Django site with a
// PostgreSQL, as its packages have it.
func Django(t testing.TB) {
	t.Helper()
	installed(t, "gunicorn")
	if out, err := exec.Command("/usr/bin/python3", "-c", "import django, psycopg2").CombinedOutput(); err != nil {
		Missing(t, fmt.Sprintf("Django is not installed: run \"make servers\" as root, or install the system's packages python3-django and python3-psycopg2: %v %s", err, out))
	}
}

// installed returns the path of a program of the system. It is looked for where
// Debian and Red Hat keep PostgreSQL's, the newest version first, on the PATH,
// and where systems put servers, which is often not on the PATH of an ordinary
// user.
func installed(t testing.TB, name string) string {
	t.Helper()
	var dirs []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} {
		found, _ := filepath.Glob(pattern) // the patterns are well-formed
		slices.Reverse(found)
		dirs = append(dirs, found...)
	}
	for _, dir := range append(dirs, "", "/usr/sbin", "/usr/local/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	Missing(t, name+" is not installed: run \"make servers\" as root, or install the system's package "+packageOf(name))
	return ""
}

// built returns the path of a program that "make servers" builds.
func built(t testing.TB, name string) string {
	t.Helper()
	path, err := find(name)
	if errors.Is(err, fs.ErrNotExist) {
		Missing(t, notBuilt(name))
	} else if err != nil {
		t.Fatal(err)
	}
	return path
}

// find returns the path of a program that "make servers" builds.
func find(name string) (string, error) {
	dir, err := binDir()
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	path := filepath.Join(dir, name)
	_, err = os.Stat(path)
	return path, err
}

func notBuilt(name string) string { return name + " is not built: run \"make servers\"" }

// Need is for TestMain of a package that is about a program that "make servers"
// builds, after flag.Parse. Where the program is missing, no test of the package
// runs, and go test says so: it ends the package's line with "[no tests to run]",
// and with -v prints why. Tests that were asked for with -run do run.
func Need(program string) {
	run := flag.Lookup("test.run").Value
	if _, err := find(program); !errors.Is(err, fs.ErrNotExist) || Required() || run.String() != "" {
		return
	}
	fmt.Println(notBuilt(program))
	_ = run.Set("^$") // which is a valid pattern
}

// Required tells whether everything is to be tested, as in "make test", and not
// only what can be in little time with nothing installed.
func Required() bool { return os.Getenv(requiredVariable) == "required" }

// Missing ends the test for want of a program.
func Missing(t testing.TB, reason string) {
	t.Helper()
	if Required() {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// binDir returns the folder that holds the servers.
func binDir() (string, error) {
	if dir := os.Getenv(binVariable); dir != "" {
		return dir, nil
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, ".cache", "bin"), nil
}

// moduleRoot returns the root of the module that the working directory is in,
// which for a test is the directory of its package.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module restencil\n") {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("finding the servers: %s is not inside the module restencil (set %s)", dir, binVariable)
		}
	}
}
