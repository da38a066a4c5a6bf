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

	"restencil/cmd/restencil/config/setting"
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
			code = e.Code
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
	if c.Help {
		return "help\n"
	}
	standard, err := Parse(nil, nil)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	list(&b, "", c.settings, standard.settings, &c.Origins)
	for _, bundle := range c.Bundles {
		fmt.Fprintf(&b, "bundle %s # %s\n", bundle.Name, bundle.At)
		list(&b, "  ", bundle.instance().Settings, standardOf((*Bundle).instance), &bundle.Origins)
		listVerifies(&b, &bundle.Change)
	}
	for _, t := range c.Templates {
		fmt.Fprintf(&b, "template # %s\n", t.At)
		list(&b, "  ", t.instance().Settings, standardOf((*Template).instance), &t.Origins)
		listVerifies(&b, &t.Change)
	}
	return b.String()
}

func listVerifies(b *strings.Builder, c *Change) {
	for _, v := range c.Verify {
		fmt.Fprintf(b, "  verify # %s\n", v.At)
		list(b, "    ", v.instance().Settings, standardOf((*Verify).instance), &v.Origins)
	}
}

func list(b *strings.Builder, prefix string, settings, standard []setting.Setting, origins *setting.Origins) {
	standard = slices.Collect(setting.All(standard))
	for i, s := range slices.Collect(setting.All(settings)) {
		key := s.Key
		if key == "" {
			key = "-" + s.Flag
		}
		if s.Show() == standard[i].Show() && !origins.IsSet(key) || len(s.Sets) > 0 && s.Sets[0] != key || s.Deprecated != "" {
			continue
		}
		fmt.Fprintf(b, "%s%s = %s", prefix, key, s.Show())
		if origins.IsSet(key) {
			fmt.Fprintf(b, " # %s", origins.Origin(key))
		}
		b.WriteString("\n")
	}
}

// standardOf returns the settings of a block that may stand several times, at
// their defaults.
func standardOf[T any](instance func(*T) setting.Instance) []setting.Setting {
	var list []*T
	return instance(setting.Add(&list, instance)).Settings
}
