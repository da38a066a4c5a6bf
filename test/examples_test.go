package test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/test/binary"
	"restencil/test/servers"
)

// numbers are the ports in an example's output, which differ from run to run.
var numbers = regexp.MustCompile(`127\.0\.0\.1:\d+`)

func TestExampleHello(t *testing.T) {
	want := `$ restencil -local data.yaml -template site.conf.ctmpl:site.conf &
+# Hello
+upstream web {
+  server 10.0.0.1:8080;
+  server 10.0.0.2:8080;
+}

$ sed -i 's/Hello/Good morning/' data.yaml
-# Hello
+# Good morning
 upstream web {
   server 10.0.0.1:8080;
   server 10.0.0.2:8080;
 }

$ sed -i 's/passing/critical/' data.yaml
 # Good morning
 upstream web {
   server 10.0.0.1:8080;
-  server 10.0.0.2:8080;
 }
`
	if diff := cmp.Diff(want, runExample(t, "hello")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestExampleNginx(t *testing.T) {
	servers.ConsulPath(t)
	servers.NginxPath(t)
	servers.CurlPath(t)
	want := `Who answers 12 requests to nginx when
nothing is registered      → 12 × no healthy instance
A is registered            → 12 × A
B is registered            → 6 × A, 6 × B
C is registered            → 4 × A, 4 × B, 4 × C
B fails its check          → 6 × A, 6 × C
B passes its check again   → 4 × A, 4 × B, 4 × C
A is taken away            → 6 × B, 6 × C

and nginx's file is now:
# Written by restencil from web.conf.ctmpl: change it there.
upstream web {
	server ADDR; # web-B
	server ADDR; # web-C
}
server {
	listen ADDR;
	location / {
		proxy_pass http://web;
	}
}
`
	got := numbers.ReplaceAllString(runExample(t, "nginx"), "ADDR")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// runExample runs the script of an example, as a person would who tries it,
// and returns what it prints.
func runExample(t *testing.T, name string) string {
	t.Helper()
	const most = 2 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join("..", "examples", name, "run.sh"))
	cmd.Env = append(os.Environ(), "RESTENCIL="+binary.Path(t), "TMPDIR="+t.TempDir())
	var errors bytes.Buffer
	cmd.Stderr = &errors
	// The script ends what it started when it is asked to end.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, errors.String())
	}
	return string(out)
}
