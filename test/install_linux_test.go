package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/test/machine"
	"restencil/test/servers"
)

// The packages of docs/install.md.
const (
	oldVersion = "v0.1.0"
	newVersion = "v0.2.0"
)

// TestMakeInstallEnviron: make install goes where the environment says, too, and not into
// the system.
func TestMakeInstallEnviron(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "make", "-n", "install")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "DESTDIR=/a stage", "PREFIX=/opt/x")
	out, err := cmd.CombinedOutput()
	if want := `PREFIX="/opt/x" DESTDIR="/a stage"`; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v; want %s in:\n%s", err, want, out)
	}
}

// TestInstall does what docs/install.md says, with packages that "make dist" makes, on
// a machine that runs systemd.
func TestInstall(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the page installs packages for amd64")
	}
	if !servers.Required() {
		t.Skip("building packages takes a minute: it is done by \"make test\"")
	}
	consul := servers.ConsulPath(t)
	servers.NginxPath(t)
	servers.CurlPath(t)
	servers.RPMPath(t)
	m := machine.Boot(t)
	release := dist(t, "..", oldVersion)
	for _, dir := range []string{release, dist(t, "..", newVersion)} {
		copyFiles(t, filepath.Join(dir, "*.deb"), filepath.Join(m.Root(), "root"))
	}
	checkRPM(t, release)
	copyFiles(t, consul, filepath.Join(m.Root(), "usr/local/bin"))
	m.Run("chmod +x /usr/local/bin/consul")
	m.Run("systemd-run --quiet consul agent -dev")
	m.Run("until consul kv put ready yes >/dev/null 2>&1; do sleep 0.1; done")

	text, err := os.ReadFile("../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	r := reader{t: t, dir: m.Root(), shell: m.Command}
	for _, b := range blocks(string(text)) {
		if b.kind == code {
			r.follow(b)
		}
		if strings.Contains(b.text, "systemctl restart restencil\n") {
			if log := m.Run("journalctl -u restencil -o cat"); strings.Contains(log, "WARN") || strings.Contains(log, "ERR") {
				t.Errorf("the service does not do all that it should:\n%s", log)
			}
		}
	}
	if got := m.Run("ls /var/lib/restencil /usr/bin/restencil /etc/restencil/restencil.d/example.hcl 2>/dev/null; cat /etc/nginx/conf.d/web.conf | wc -l; systemctl list-units --all --plain --no-legend 'restencil*'"); got != "4" {
		t.Errorf("the removal left %s", got)
	}

	// The same files in another place and at another time give the same bytes.
	elsewhere := filepath.Join(t.TempDir(), "a", "longer", "path")
	if out, err := exec.Command("sh", "-c", `mkdir -p "$1" && cd .. && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1"`, "copy", elsewhere).CombinedOutput(); err != nil {
		t.Fatalf("copying the sources: %v: %s", err, out)
	}
	again := dist(t, elsewhere, oldVersion)
	if diff := cmp.Diff(read(t, filepath.Join(release, "SHA256SUMS")), read(t, filepath.Join(again, "SHA256SUMS"))); diff != "" {
		t.Errorf("the second build differs:\n%s", diff)
	}
}

// checkRPM wants the rpm of a release to have the files of the deb, which
// docs/install.md is followed with, and to be installed and removed.
func checkRPM(t *testing.T, release string) {
	t.Helper()
	cmd := exec.Command("sh", "-euc", `
dpkg-deb --fsys-tarfile "$1"/*.deb | tar -t | sed -n 's|^\.\(/.*[^/]\)$|\1|p' | sort >deb
rpm -qp --dump "$1"/*.rpm | awk '$5 !~ /^04/ { print $1 }' | sort | comm -3 - deb
rpm="rpm --root $PWD/root --force-debian --noscripts" # which starts no unit here
$rpm --nodeps --install "$1"/*.rpm
root/usr/bin/restencil -version
$rpm --verify restencil
$rpm --erase restencil
find root/usr root/etc -name '*restencil*'
`, "check", release)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if want := "restencil " + oldVersion + " (commit 0123456789abcdef0123456789abcdef01234567, 2026-11-29T12:00:00Z)\n"; err != nil || string(out) != want {
		t.Errorf("the rpm: %v\n%s\nwant %s", err, out, want)
	}
}

// TestUnitSecurity compares what docs/install.md says of the unit's exposure.
func TestUnitSecurity(t *testing.T) {
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "../cmd/restencil/packaging/restencil.service").CombinedOutput()
	if err != nil {
		servers.Missing(t, "systemd-analyze: "+err.Error())
	}
	_, level, _ := strings.Cut(string(out), "exposure level for restencil.service: ")
	level, _, _ = strings.Cut(level, " ")
	if page := read(t, "../docs/install.md"); !strings.Contains(page, "an exposure of "+level+" ") {
		t.Errorf("docs/install.md does not say that the exposure is %s", level)
	}
}

// dist makes the files of a release for this machine from the sources in a folder.
func dist(t *testing.T, sources, version string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	cmd := exec.Command(filepath.Join(sources, "cmd/restencil/packaging/dist.sh"), dir)
	cmd.Env = append(os.Environ(), "PLATFORMS=linux/amd64", "VERSION="+version,
		"COMMIT=0123456789abcdef0123456789abcdef01234567", "SOURCE_DATE_EPOCH=1795953600")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("dist.sh: %v\n%s", err, out)
	}
	return dir
}

func copyFiles(t *testing.T, pattern, dir string) {
	t.Helper()
	paths, _ := filepath.Glob(pattern) // the pattern is well-formed
	if len(paths) == 0 {
		t.Fatalf("there is no %s", pattern)
	}
	for _, path := range paths {
		writeFile(t, filepath.Join(dir, filepath.Base(path)), read(t, path))
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
