package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/test/binary"
)

// elsewhere are the commands of the documentation that other tests run, or
// that run these tests.
var elsewhere = map[string]string{
	"make demo":             "TestExampleHello",
	"examples/nginx/run.sh": "TestExampleNginx",
	"make build":            "the program of every test is built alike",
	"make test":             "it runs this test",
	`restencil -consul-addr 127.0.0.1:8500 -template "web.conf.ctmpl:/etc/nginx/conf.d/web.conf:nginx -s reload"`: "TestTrafficFollowsHealth",
}

// A fence is a code block of a Markdown file.
type fence struct {
	lang string
	file string // the name in the last line before it, as in "`data.yaml`:"
	text string
}

var (
	fenceStart = regexp.MustCompile("^\\s*```(\\w*)$")
	fileName   = regexp.MustCompile("`([^`]+)`:$")
)

// fences returns the code blocks of a text.
func fences(text string) []fence {
	var all []fence
	var open *fence
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		start := fenceStart.FindStringSubmatch(line)
		switch {
		case open == nil && start != nil:
			open = &fence{lang: start[1]}
			if m := fileName.FindStringSubmatch(last); m != nil {
				open.file = m[1]
			}
		case open != nil && start != nil:
			all, open, last = append(all, *open), nil, ""
		case open != nil:
			open.text += line + "\n"
		case line != "":
			last = line
		}
	}
	return all
}

// TestDocumentation does what README.md and docs/*.md tell people to do. In
// each page, a code block after a line that ends in a file's name is that
// file; "sh" blocks are commands; in "console" blocks, commands follow a "$ "
// and their output stands below.
func TestDocumentation(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../README.md") {
		t.Run(filepath.Base(page), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			r := reader{t: t, dir: t.TempDir()}
			for _, f := range fences(string(text)) {
				r.follow(f)
			}
		})
	}
}

// A reader does what a page says, in a directory of its own.
type reader struct {
	t   *testing.T
	dir string
}

func (r reader) follow(f fence) {
	switch {
	case f.file != "":
		writeFile(r.t, filepath.Join(r.dir, f.file), f.text)
	case f.lang == "sh":
		for line := range strings.Lines(f.text) {
			if line = strings.TrimSpace(line); line != "" && elsewhere[line] == "" {
				r.run(line)
			}
		}
	case f.lang == "console":
		for _, part := range strings.Split("\n"+f.text, "\n$ ")[1:] {
			line, want, _ := strings.Cut(part, "\n")
			if got := r.run(line); strings.TrimSpace(got) != strings.TrimSpace(want) {
				r.t.Errorf("$ %s\n%s", line, cmp.Diff(want, got))
			}
		}
	}
}

func (r reader) run(line string) string {
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary.Path(r.t))+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Errorf("$ %s\n%s%v", line, out, err)
	}
	return string(out)
}
