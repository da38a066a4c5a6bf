package statedir

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/control"
	"restencil/runner/journal"
)

// parsed is the configuration of a command line.
func parsed(t *testing.T, environ []string, args ...string) *config.Config {
	t.Helper()
	cfg, err := config.Parse(args, environ)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestOf(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("my app.hcl", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	root := "/h/me/.local/state/restencil"
	if os.Getuid() == 0 {
		root = "/var/lib/restencil"
	}
	home := []string{"HOME=/h/me"}
	for _, c := range []struct {
		name    string
		environ []string
		args    []string
		want    string // a regular expression
	}{
		{"given", home, []string{"-state-dir", "given"}, `given`},
		{"none", home, []string{"-state-dir", "none"}, ``},
		{"systemd's", []string{"STATE_DIRECTORY=/var/lib/unit:/var/lib/other"}, []string{"-config", "my app.hcl"}, `/var/lib/unit`},
		{"of a configuration", home, []string{"-config", "my app.hcl"}, root + `/my_app`},
		{"of templates", home, []string{"-template", "in:/etc/app.conf"}, root + `/app`},
		{"of nothing", home, nil, root + `/none`},
	} {
		got := Of(parsed(t, c.environ, c.args...))
		if !regexp.MustCompile("^" + c.want + "$").MatchString(filepath.ToSlash(got)) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestOfBundle(t *testing.T) {
	one, two, empty := t.TempDir(), t.TempDir(), t.TempDir()
	for dir, bundles := range map[string][]string{one: {"web", "both"}, two: {"both"}} {
		j := journal.New(dir, journal.Options{})
		for _, bundle := range bundles {
			if err := j.Owe(bundle, "hash", nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all := []string{one, two, empty}
	if got, _, err := OfBundle(all, "web"); got != one || err != nil {
		t.Errorf("%q, %v, want %q", got, err, one)
	}
	if got, _, err := OfBundle(all, "both"); err == nil || !strings.Contains(err.Error(), "in each of") {
		t.Errorf("%q, %v for two directories", got, err)
	}
	if got, _, err := OfBundle(all, "none"); err == nil || !strings.Contains(err.Error(), "there is no bundle") {
		t.Errorf("%q, %v for no directory", got, err)
	}
	if got, _, err := OfBundle([]string{empty}, "none"); got != empty || err != nil {
		t.Errorf("%q, %v where there is one directory", got, err)
	}
}

func TestBelow(t *testing.T) {
	root := t.TempDir()
	if _, err := Below(filepath.Join(root, "none")); !errors.Is(err, control.ErrNoDaemon) {
		t.Errorf("where nothing is, the error is %v", err)
	}
	want := []string{filepath.Join(root, "a"), filepath.Join(root, "b")}
	for _, dir := range want {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Below(root); !slices.Equal(got, want) || err != nil {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

// TestListChangesNothing: when the last run began stays what it is, however often one asks.
func TestListChangesNothing(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "web")
	j := journal.New(dir, journal.Options{})
	if err := errors.Join(j.Claim(t.Context()), j.Close()); err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 2, 1, 10, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "lock"), began, began); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if all, err := List(root); err != nil || len(all) != 1 || !all[0].Begun.Equal(began) || all[0].Running {
			t.Errorf("%+v, %v, want one that began at %v", all, err, began)
		}
	}
}

// TestOwnDir: a configuration keeps its directory, however it is named, and two of
// one name have two.
func TestOwnDir(t *testing.T) {
	root := t.TempDir()
	claim := func(paths ...string) string {
		dir := Find(root, paths)
		j := journal.New(dir, journal.Options{Owner: paths})
		if err := errors.Join(j.Claim(t.Context()), j.Close()); err != nil {
			t.Fatal(err)
		}
		return filepath.Base(dir)
	}
	here := filepath.Join(t.TempDir(), "web.hcl")
	if err := os.WriteFile(here, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{here, "web"}, {"/nowhere/web.hcl", "web-2"}, {"/nowhere/web.json", "web-3"}, {"/nowhere/web.hcl", "web-2"}, {here, "web"},
	} {
		if got := claim(c.path); got != c.want {
			t.Errorf("%s has the directory %s, want %s", c.path, got, c.want)
		}
	}

	// Those whose configuration is gone are removed, but not at once, and not while
	// a daemon has them.
	j := journal.New(filepath.Join(root, "web-3"), journal.Options{})
	defer j.Close()
	if err := j.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if removed, err := Prune(root, time.Hour); removed != nil || err != nil {
		t.Errorf("removed %q, %v", removed, err)
	}
	if removed, err := Prune(root, 0); !slices.Equal(removed, []string{filepath.Join(root, "web-2")}) || err != nil {
		t.Errorf("removed %q, %v", removed, err)
	}
	if got := Find(root, []string{"/nowhere/web.json"}); got != filepath.Join(root, "web-3") {
		t.Errorf("the directory after a gap is %s", got)
	}
}
