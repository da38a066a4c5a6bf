package test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/hcl/v2/hclparse"
	"go.yaml.in/yaml/v3"

	"restencil/test/binary"
)

// The files of examples/container that no engine reads here are well-formed, and the
// images and files that they name exist.
func TestContainerFiles(t *testing.T) {
	dir := filepath.Join("..", "examples", "container")
	images := map[string]bool{"restencil": true, "restencil-nginx": true, "restencil-sidecar": true}
	for _, name := range []string{"compose.yaml", "sidecar.yaml", "init.yaml"} {
		decoder := yaml.NewDecoder(strings.NewReader(read(t, filepath.Join(dir, name))))
		for {
			var document map[string]any
			err := decoder.Decode(&document)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			visit(document, func(key string, value any) {
				if image, ok := value.(string); key == "image" && ok && !strings.Contains(image, ":") && !images[image] {
					t.Errorf("%s: nothing builds the image %s", name, image)
				}
				if mount, ok := value.(map[string]any); ok && mount["mountPath"] != nil {
					if text := read(t, filepath.Join(dir, name)); !strings.Contains(text, "- {name: "+mount["name"].(string)+", emptyDir:") && !strings.Contains(text, "- {name: "+mount["name"].(string)+", configMap:") {
						t.Errorf("%s: there is no volume %s", name, mount["name"])
					}
				}
			})
		}
	}
	for _, name := range []string{"nginx.nomad.hcl"} {
		if _, diagnostics := hclparse.NewParser().ParseHCLFile(filepath.Join(dir, name)); diagnostics.HasErrors() {
			t.Error(diagnostics)
		}
	}
	for _, name := range []string{"restencil.hcl", "sidecar.hcl"} {
		if out, err := exec.Command(binary.Path(t), "-config", filepath.Join(dir, name), "-print-config").CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	for _, name := range []string{"../../Dockerfile", "nginx.Dockerfile", "sidecar.Dockerfile"} {
		for line := range strings.Lines(read(t, filepath.Join(dir, name))) {
			words := strings.Fields(line)
			if len(words) < 3 || words[0] != "COPY" || strings.HasPrefix(words[1], "--from") {
				continue
			}
			for _, source := range words[1 : len(words)-1] {
				if _, err := os.Stat(filepath.Join(dir, filepath.Dir(name), source)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

// visit calls f with each key of maps in a value and what stands there, and with each
// element of lists.
func visit(value any, f func(key string, value any)) {
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			f(key, v)
			visit(v, f)
		}
	case []any:
		for _, v := range value {
			f("", v)
			visit(v, f)
		}
	}
}

// TestScratchImage runs the program where there is nothing else, as the user of the
// Dockerfile.
func TestScratchImage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("chroot takes root")
	}
	root := t.TempDir()
	build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(root, "restencil"), "../cmd/restencil")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	writeFile(t, filepath.Join(root, "data.yaml"), "keys: {a: 1}\n")
	writeFile(t, filepath.Join(root, "a.ctmpl"), `a = {{ key "a" }}`)
	if err := os.Mkdir(filepath.Join(root, "shared"), 0o755); err != nil {
		t.Fatal(err)
	}
	const user = 65532
	if err := os.Chown(filepath.Join(root, "shared"), user, user); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/restencil", "-local", "/data.yaml", "-template", "/a.ctmpl:/shared/a", "-once")
	cmd.Err = nil // it is not looked for here
	cmd.Dir = "/"
	cmd.Env = []string{"STATE_DIRECTORY=/shared/state"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: user, Gid: user}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("in an empty image: %v\n%s", err, out)
	}
	if got := read(t, filepath.Join(root, "shared", "a")); got != "a = 1" {
		t.Errorf("it rendered %q", got)
	}
}
