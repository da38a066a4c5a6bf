//go:build unix

package apply

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"restencil/renderer"
	"restencil/test/servers"
)

// A virtual host can only be tested through nginx.conf, which nobody renders
// here.
func TestNginxTestsVirtualHosts(t *testing.T) {
	nginx := servers.NginxPath(t)
	b := newBench(t)
	b.put("nginx.conf", "error_log stderr;\npid "+b.at("pid")+";\nevents {}\n"+
		"http {\n\taccess_log off;\n\tinclude sites-enabled/*;\n}\n", 0o644)
	b.link("../sites-available/web", "sites-enabled/web")
	site := func(text string) {
		b.change.Members = []Member{{
			Template: "web.ctmpl", File: renderer.File{Path: b.at("sites-available/web"), Content: []byte(text)},
		}}
	}
	b.change.Check.Args = []string{nginx, "-t", "-e", "stderr", "-c", "{{ .StagedRoot }}" + b.at("nginx.conf")}
	b.tools.Run = func(ctx context.Context, c Command) (string, error) {
		if c.Args[0] == "reload" {
			return "", nil
		}
		cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
		cmd.Env = c.Env
		output, err := cmd.CombinedOutput()
		return string(output), err
	}
	site("server { listen 127.0.0.1:8080; }\n")
	if out := b.apply(t.Context()); out.Err != nil {
		t.Fatalf("%v: %s", out.Err, out.Output)
	}
	before := b.look()
	site("server { lissen 127.0.0.1:8080; }\n")
	out := b.apply(t.Context())
	if out.Step != Check || !strings.Contains(out.Output, `unknown directive "lissen"`) {
		t.Errorf("outcome %+v", out)
	}
	b.wantAsBefore(before)
}
