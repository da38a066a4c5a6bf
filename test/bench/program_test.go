package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"restencil/test/servers"
)

// The programs' names.
const (
	restencil      = "restencil"
	consulTemplate = "consul-template"
	bare           = "bare"
)

// A program keeps files in step with a Consul.
type program struct {
	name string
	path string
	more []string // arguments
}

func programs(t *testing.T) []program {
	return []program{
		{name: restencil, path: build(t, "restencil/cmd/restencil")},
		{name: consulTemplate, path: servers.ConsulTemplate(t)},
		{name: bare, path: build(t, "restencil/test/bench/bare")},
	}
}

// build builds a program as releases are, which consul-template is, too: without cgo and
// without tables for debuggers.
func build(t *testing.T, program string) string {
	file := filepath.Join(t.TempDir(), filepath.Base(program))
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", program, err, out)
	}
	return file
}

// args returns the program's command line.
func (p program) args(s *setup) []string {
	if p.name == bare {
		return s.work.bare(s)
	}
	args := []string{"-consul-addr", s.agent.Addr(), "-config", writeConfig(s.t, s.work.templates(s))}
	if p.name != consulTemplate {
		args = append(args, "-state-dir", tempDir(s.t))
	}
	return append(args, p.more...)
}

// A tmpl is a template, the file that it is rendered to, and the command that
// runs when that has changed, "" for none.
type tmpl struct{ text, file, command string }

// writeConfig writes a configuration with these templates and returns its path.
func writeConfig(t *testing.T, templates []tmpl) string {
	t.Helper()
	dir := t.TempDir()
	var config strings.Builder
	for i, c := range templates {
		source := filepath.Join(dir, fmt.Sprint(i, ".ctmpl"))
		writeFile(t, source, []byte(c.text))
		fmt.Fprintf(&config, "template {\n  source = %q\n  destination = %q\n  command = %q\n}\n", source, c.file, c.command)
	}
	path := filepath.Join(dir, "config.hcl")
	writeFile(t, path, []byte(config.String()))
	return path
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
