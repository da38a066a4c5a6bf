package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the program does into the files of testdata")

// TestParse runs the cases of testdata. The comment of a file says what the
// case is about; its lines that begin with "args:" (several words) or "arg:"
// (one) and "env:" are the command line and the environment, its files those of the working directory. Of the
// outcome, the file "want" holds the settings that are not at their defaults,
// "warnings" the warnings, and "error" the exit status and the message.
func TestParse(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			parseCase(t, file)
		})
	}
}

func parseCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	file, err = filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	want := make(map[string]string)
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool {
		if f.Name == "want" || f.Name == "warnings" || f.Name == "error" {
			want[f.Name] = string(f.Data)
			return true
		}
		writeFile(t, f.Name, string(f.Data))
		return false
	})
	args, env := directives(string(archive.Comment))
	got := outcome(Parse(args, env))
	if *update {
		for _, name := range []string{"want", "warnings", "error"} {
			if got[name] != "" {
				archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got[name])})
			}
		}
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// directives reads the command line and the environment of a case.
func directives(comment string) (args, env []string) {
	for line := range strings.Lines(comment) {
		if words, ok := strings.CutPrefix(line, "args:"); ok {
			args = append(args, strings.Fields(words)...)
		}
		if word, ok := strings.CutPrefix(line, "arg:"); ok {
			args = append(args, strings.TrimSpace(word))
		}
		if word, ok := strings.CutPrefix(line, "env:"); ok {
			env = append(env, strings.TrimSpace(word))
		}
	}
	return args, env
}

// outcome is what Parse returned, as the files of a case.
func outcome(c *Config, err error) map[string]string {
	if err != nil {
		code := 0
		if e, ok := err.(*Error); ok {
			code = e.ExitCode()
		}
		return map[string]string{"error": fmt.Sprintf("%d\n%s\n", code, err)}
	}
	got := map[string]string{}
	if text := changed(c); text != "" {
		got["want"] = text
	}
	for _, w := range c.Warnings {
		got["warnings"] += w.Error() + "\n"
	}
	return got
}

// changed lists the settings that are not at their defaults, with their
// origins where they have one.
func changed(c *Config) string {
	var b strings.Builder
	list := func(prefix string, settings, standard []setting, origins map[string]Origin) {
		for i, s := range settings {
			at, written := origins[s.name()]
			if s.value.show() == standard[i].value.show() && !written || s.sets != nil || s.deprecated != "" {
				continue
			}
			fmt.Fprintf(&b, "%s%s = %s", prefix, s.name(), s.value.show())
			if written {
				fmt.Fprintf(&b, " # %s", at)
			}
			b.WriteString("\n")
		}
	}
	if c.Action != Run {
		fmt.Fprintf(&b, "action = %s\n", c.Action)
	}
	standard, err := Parse(nil, nil)
	if err != nil {
		return err.Error()
	}
	list("", c.settings(), standard.settings(), c.origins)
	verifies := func(all []Verify) {
		for i := range all {
			fmt.Fprintf(&b, "  verify # %s\n", all[i].At)
			list("    ", all[i].settings(), newVerify(Origin{}).settings(), all[i].origins)
		}
	}
	for i := range c.Bundles {
		bundle := &c.Bundles[i]
		fmt.Fprintf(&b, "bundle %s # %s\n", bundle.Name, bundle.At)
		list("  ", bundle.settings(), newBundle("", Origin{}).settings(), bundle.origins)
		verifies(bundle.Verify)
	}
	for i := range c.Templates {
		t := &c.Templates[i]
		fmt.Fprintf(&b, "template # %s\n", t.At)
		list("  ", t.settings(), newTemplate(Origin{}).settings(), t.origins)
		verifies(t.Verify)
	}
	return b.String()
}
