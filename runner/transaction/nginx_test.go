//go:build linux

package transaction

import (
	"os"
	"strings"
	"testing"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/test/servers"
)

// A virtual host can only be tested through nginx.conf, which nobody renders
// here, and which includes it by an absolute path, through a link.
func TestNginxTestsVirtualHosts(t *testing.T) {
	nginx := servers.NginxPath(t)
	executor := process.NewExecutor(nil, nil, false)
	t.Cleanup(executor.Close)
	if err := executor.CanOverlay(); err != nil {
		t.Skip(err)
	}
	b := newBench(t)
	b.put("nginx.conf", "error_log stderr;\npid "+b.at("pid")+";\nevents {}\n"+
		"http {\n\taccess_log off;\n\tinclude "+b.at("sites-enabled")+"/*;\n}\n", 0o644)
	b.put("sites-enabled/other", "# nothing\n", 0o644)
	if err := os.Symlink("../sites-available/web", b.at("sites-enabled/web")); err != nil {
		t.Fatal(err)
	}
	b.put("sites-available/other", "# nothing\n", 0o644)
	b.change.Check.Args = []string{nginx, "-t", "-e", "stderr", "-c", b.at("nginx.conf")}
	check := func(text string) *Change {
		b.change.Files = []File{{
			Template: "web.ctmpl", Destination: b.at("sites-available/web"),
			Own: &renderer.File{Path: b.at("sites-available/web"), Content: []byte(text)},
		}}
		c := b.change
		tx := New(Tools{
			Run:     executor.Run,
			InPlace: executor.CanOverlay,
			Writer:  func(string) string { return "" },
			Mask:    func() func(string) string { return func(s string) string { return s } },
		}, &c)
		defer tx.Discard()
		tx.Stage(t.Context())
		tx.Check(t.Context())
		tx.Swap()
		return &c
	}
	if c := check("server { listen 127.0.0.1:8080; }\n"); c.Err != nil {
		t.Fatalf("%v: %s", c.Err, c.Output)
	}
	before := b.look()
	c := check("server { lissen 127.0.0.1:8080; }\n")
	if c.Step != event.Check || !strings.Contains(c.Output, `unknown directive "lissen" in `+b.at("sites-enabled/web")+":1") {
		t.Errorf("step %q, error %v, output %s", c.Step, c.Err, c.Output)
	}
	b.wantAsBefore(before)
}
