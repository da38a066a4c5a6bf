package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"restencil/test/binary"
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
		{name: restencil, path: binary.Path(t)},
		{name: consulTemplate, path: servers.ConsulTemplate(t)},
		{name: bare, path: buildBare(t)},
	}
}

func buildBare(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "bare")
	cmd := exec.Command("go", "build", "-o", path, "restencil/test/bench/bare")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the bare program: %v\n%s", err, out)
	}
	return path
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
