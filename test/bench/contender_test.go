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

// The contenders' names.
const (
	restencil      = "restencil"
	consulTemplate = "consul-template"
	bare           = "bare"
)

// A contender is a program that keeps files in step with a Consul.
type contender struct {
	name string
	path string
}

func contenders(t *testing.T) []contender {
	return []contender{
		{restencil, binary.Path(t)},
		{consulTemplate, servers.ConsulTemplate(t)},
		{bare, buildBare(t)},
	}
}

func buildBare(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "bare")
	if out, err := exec.Command("go", "build", "-o", path, "restencil/test/bench/bare").CombinedOutput(); err != nil {
		t.Fatalf("building the bare program: %v\n%s", err, out)
	}
	return path
}

// takesPart says whether a contender has a part in a scene.
func (c contender) takesPart(sc scene) bool { return c.name != bare || sc.bare != nil }

// args returns a contender's command line for a scene.
func (c contender) args(sc scene, s *site) []string {
	if c.name == bare {
		return sc.bare(s)
	}
	return []string{"-consul-addr", s.agent.Addr(), "-config", writeConfig(s.t, sc.templates(s))}
}

// A document is a template, the file that it is rendered to, and the command
// that runs when that has changed, if any.
type document struct{ text, file, command string }

// writeConfig writes a configuration for these documents and returns its path.
func writeConfig(t *testing.T, documents []document) string {
	t.Helper()
	dir := t.TempDir()
	var config strings.Builder
	for i, d := range documents {
		source := filepath.Join(dir, fmt.Sprint(i, ".ctmpl"))
		writeFile(t, source, []byte(d.text))
		fmt.Fprintf(&config, "template {\n  source = %q\n  destination = %q\n", source, d.file)
		if d.command != "" {
			fmt.Fprintf(&config, "  command = %q\n", d.command)
		}
		config.WriteString("}\n")
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
