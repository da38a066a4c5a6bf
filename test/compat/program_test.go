package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"restencil/test/binary"
)

// timeout is how long a run may take before it counts as waiting for ever. No run takes
// that long when things are right, but hashing a password does, nearly, with the race
// detector on a busy machine.
const timeout = time.Minute

// A program is one of the two, ready to run.
type program struct {
	name     string
	path     string
	consul   string   // address
	fixtures string   // a directory; each run has a copy as files/
	env      []string // variables beside those that every program has
}

// A source is a template to render.
type source struct {
	name     string // what reports call it
	text     string
	settings []string // of its template block
}

// A run is one process in a directory of its own: the templates in in/, what
// they render to in out/, both under the index of the template.
type run struct {
	dir     string
	sources []source
}

// prepare lays out the directory of a run.
func (p program) prepare(t *testing.T, sources []source) run {
	t.Helper()
	r := run{dir: t.TempDir(), sources: sources}
	if err := r.layOut(p.fixtures); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r run) layOut(fixtures string) error {
	if err := os.CopyFS(filepath.Join(r.dir, "files"), os.DirFS(fixtures)); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(r.dir, "in"), 0o755); err != nil {
		return err
	}
	config := strings.Builder{}
	config.WriteString(storeErrorsEnd)
	for i, s := range r.sources {
		if err := os.WriteFile(filepath.Join(r.dir, in(i)), []byte(s.text), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&config, "template {\n  source = %q\n  destination = %q\n", in(i), out(i))
		for _, setting := range s.settings {
			fmt.Fprintf(&config, "  %s\n", setting)
		}
		config.WriteString("}\n")
	}
	return os.WriteFile(filepath.Join(r.dir, "config.hcl"), []byte(config.String()), 0o644)
}

// storeErrorsEnd has a program that a store refuses give up soon.
const storeErrorsEnd = "consul {\n" + giveUpSoon + "}\nvault {\n" + giveUpSoon + "}\n"

const giveUpSoon = "  retry {\n    attempts = 2\n    backoff = \"20ms\"\n  }\n"

func in(i int) string  { return fmt.Sprintf("in/%03d.ctmpl", i) }
func out(i int) string { return fmt.Sprintf("out/%03d", i) }

// rendered returns what template i was rendered to.
func (r run) rendered(i int) (text string, ok bool) {
	data, err := os.ReadFile(filepath.Join(r.dir, out(i)))
	return string(data), err == nil
}

// command returns the program, ready to render the templates of a run once.
func (p program) command(ctx context.Context, r run, args ...string) *exec.Cmd {
	args = append([]string{"-once", "-consul-addr", p.consul, "-config", "config.hcl"}, args...)
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir = r.dir
	cmd.WaitDelay = time.Second
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "TZ=UTC", binary.RaceOptions()}, environment...)
	cmd.Env = append(cmd.Env, p.env...)
	return cmd
}

// environment is what templates find in env, beside what a program needs.
var environment = []string{
	"COMPAT_NAME=Größe & Co",
	"COMPAT_NUMBER=42",
	"COMPAT_EMPTY=",
	"COMPAT_PADDED=  spaces  ",
	"COMPAT_JSON={\"a\":[1,2]}",
}

// An ending is how a process ended.
type ending struct {
	exit   int // -1: it did not end in time
	stdout string
	stderr string
}

// reason returns the end of what the process said.
func (e ending) reason() string {
	const most = 600
	text := strings.TrimSpace(e.stderr)
	return text[max(0, len(text)-most):]
}

// once runs the program to its end.
func (p program) once(ctx context.Context, r run, args ...string) ending {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := p.command(ctx, r, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	end := ending{exit: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		end.stderr += err.Error()
	}
	return end
}

// A result is what became of one template.
type result struct {
	ok   bool   // it was rendered
	text string // what to, or else what the program said
	exit int    // the exit code, where it was not rendered
}

func (r result) String() string {
	if !r.ok {
		return fmt.Sprintf("not rendered, exit %d: %s", r.exit, r.text)
	}
	return fmt.Sprintf("%q", r.text)
}

// renderAll renders templates, many in one process. Where such a process
// fails, those that it did not render are tried in halves, down to the one
// that does fail.
func (p program) renderAll(t *testing.T, sources []source) []result {
	t.Helper()
	results := make([]result, len(sources))
	r := p.prepare(t, sources)
	end := p.once(t.Context(), r)
	var left []int
	for i := range sources {
		results[i].text, results[i].ok = r.rendered(i)
		if !results[i].ok {
			results[i].text, results[i].exit = end.reason(), end.exit
			left = append(left, i)
		}
	}
	if len(sources) == 1 || end.exit == 0 {
		return results
	}
	for _, half := range [][]int{left[:len(left)/2], left[len(left)/2:]} {
		if len(half) == 0 {
			continue
		}
		for k, result := range p.renderAll(t, pick(sources, half)) {
			results[half[k]] = result
		}
	}
	return results
}

func pick(sources []source, indexes []int) []source {
	var picked []source
	for _, i := range indexes {
		picked = append(picked, sources[i])
	}
	return picked
}

// files returns every file that a run left behind, beside what it was given:
// by its path, its mode and its content.
func (r run) files() (map[string]string, error) {
	found := make(map[string]string)
	err := filepath.WalkDir(r.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(r.dir, path)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found[filepath.ToSlash(name)] = fmt.Sprintf("%v %q", info.Mode(), data)
		return nil
	})
	return found, err
}
