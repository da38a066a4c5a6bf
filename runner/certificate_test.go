package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
)

const issue = `{{ with pkiCert "pki/issue/web" "common_name=a.example" }}`

// issued gives each query a certificate, its key and its CA that bear a number.
func issued(n int) func(watch.Query) any {
	return func(q watch.Query) any {
		text := fmt.Sprintf("issue %d to %s", n, certFilesIn(q))
		return watch.Certificate{Cert: text, Key: text, CA: text}
	}
}

// certFilesIn returns the names of the files that keep what q asks for.
func certFilesIn(q watch.Query) string {
	_, files, err := watch.SplitPKIParams(q.Params)
	if err != nil {
		return err.Error()
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	return strings.Join(files, " ")
}

// Certificate, key and CA of one bundle are one question, whose answers never
// mix: whenever something reads the files, they are of one issue. Another bundle
// and a template by itself have issues of their own.
func TestBundleHasOneCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		g := newRigWith(t, Options{
			Bundles: []Bundle{{Name: "b", Reload: cmd("reload"), Check: cmd("check")}, {Name: "other"}},
			Templates: append(
				members([]Template{tmpl("key", issue+`{{ .Key }}{{ end }}`), tmpl("cert", issue+`{{ .Cert }}{{ end }}`), tmpl("ca", issue+`{{ .CA }}{{ end }}`)}),
				tmpl("alone", issue+`{{ .Cert }}{{ end }}`),
				Template{Options: tmpl("elsewhere", issue+`{{ .Cert }}{{ end }}`).Options, Bundle: "other"},
			),
		}, nil, func(g *rig) {
			g.run = func(c Command) (string, error) {
				if c.Args[0] == "reload" {
					reads++
					oneIssue(t, g.dir)
				} else {
					oneStaged(t, c.Env)
				}
				time.Sleep(3 * time.Millisecond) // answers come meanwhile
				return "", nil
			}
		})
		defer g.stop()
		for n := range 500 {
			g.vault.set("pki/issue/web", issued(n))
			sleep(time.Duration(n%40) * time.Millisecond)
		}
		sleep(time.Second)
		oneIssue(t, g.dir)
		for _, name := range []string{"cert", "key", "ca"} {
			g.holds(name, "issue 499 to ca cert key")
		}
		g.holds("alone", "issue 499 to alone")
		g.holds("elsewhere", "issue 499 to elsewhere")
		if reads < 50 {
			t.Errorf("the bundle was reloaded %d times, too few to tell anything", reads)
		}
		var files []string
		for _, q := range g.vault.asked {
			files = append(files, certFilesIn(q))
		}
		if diff := cmp.Diff(map[string]int{"ca cert key": 1, "alone": 1, "elsewhere": 1}, count(files)); diff != "" {
			t.Errorf("issues by the files that keep them (-want +got):\n%s", diff)
		}
	})
}

// oneIssue wants the files of the bundle to be of one issue.
func oneIssue(t *testing.T, dir string) {
	t.Helper()
	var have []string
	for _, name := range []string{"cert", "key", "ca"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		have = append(have, string(text))
	}
	if have[0] != have[1] || have[0] != have[2] {
		t.Errorf("certificate, key and CA are of %q", have)
	}
}

// oneStaged wants the staged files that a check is shown to be of one issue.
func oneStaged(t *testing.T, env []string) {
	t.Helper()
	var have []string
	for _, v := range env {
		if path, ok := strings.CutPrefix(v, "RESTENCIL_STAGED="); ok {
			for staged := range strings.SplitSeq(path, "\n") {
				text, err := os.ReadFile(staged)
				if err != nil {
					t.Error(err)
				}
				have = append(have, string(text))
			}
		}
	}
	if c := count(have); len(c) != 1 || len(have) != 3 {
		t.Errorf("staged are %q", have)
	}
}

func count(texts []string) map[string]int {
	n := make(map[string]int)
	for _, text := range texts {
		n[text]++
	}
	return n
}

// A member that comes or goes by a reload makes it another question; what all
// have asked before is asked no more.
func TestReloadChangesWhoKeepsTheCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both := func() Options {
			return Options{Bundles: []Bundle{{Name: "b"}}, Templates: members([]Template{
				tmpl("cert", issue+`{{ .Cert }}{{ end }}`), tmpl("key", issue+`{{ .Key }}{{ end }}`),
			})}
		}
		three := both()
		three.Templates = append(three.Templates, members([]Template{tmpl("ca", issue+`{{ .CA }}{{ end }}`)})...)
		g := newRig(t, both(), nil)
		defer g.stop()
		g.vault.set("pki/issue/web", issued(1))
		sleep(time.Second)
		g.reloadOptions(both())
		if n := len(g.vault.asked); n != 1 {
			t.Errorf("asked %d times after a reload without changes, want once", n)
		}
		g.reloadOptions(three)
		sleep(time.Second)
		if asked, watched := len(g.vault.asked), len(g.vault.sinks); asked != 2 || watched != 1 {
			t.Errorf("asked %d times, of which %d are watched; want 2 and 1", asked, watched)
		}
		g.holds("ca", "issue 1 to ca cert key")
	})
}
