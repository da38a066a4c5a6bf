package test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/daemon"
	"restencil/test/servers"
)

// elsewhere are the commands of the documentation that other tests run, or
// that run these tests.
var elsewhere = map[string]string{
	"make demo":                      "TestExampleHello",
	"examples/nginx/run.sh":          "TestExampleNginx",
	"make build":                     "the program of every test is built alike",
	"make servers":                   "the tests' servers are built alike",
	"make test":                      "it runs this test",
	"make dist":                      "TestInstall makes its packages with the same script",
	"make install PREFIX=/usr/local": "the packages of TestInstall are made by the same script",
	"consul agent -dev":              "the reader starts one on a free port",
	`restencil -consul-addr 127.0.0.1:8500 -template "web.conf.ctmpl:/etc/nginx/conf.d/web.conf:nginx -s reload"`: "TestTrafficFollowsHealth",
}

// TestDocumentation does what README.md and docs/*.md tell people to do. In
// each page, a code block after a line that ends in a file's name is that
// file; "sh" blocks are commands; in "console" blocks, commands follow a "$ "
// and their output stands below. One that ends in "&" runs until "kill %1" (as a
// shell numbers those that run), and
// what "cat", "curl" and "restencil status" print may take a moment to be right. A
// page that calls consul has a Consul server, and one that calls nginx a port for it.
func TestDocumentation(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../README.md") {
		if filepath.Base(page) == "install.md" {
			continue // see TestInstall
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			r := reader{t: t, dir: t.TempDir(), path: filepath.Dir(binary.Path(t)), env: []string{"STATE_DIRECTORY=" + t.TempDir()}}
			if strings.Contains(string(text), "\n$ consul ") {
				agent := servers.Consul(t, servers.ACL(managementToken))
				r.path += string(filepath.ListSeparator) + filepath.Dir(servers.ConsulPath(t))
				r.env = append(r.env, "CONSUL_HTTP_ADDR="+agent.Addr(), "CONSUL_HTTP_TOKEN="+managementToken)
			}
			if strings.Contains(string(text), "\n$ consul-template ") {
				r.path += string(filepath.ListSeparator) + filepath.Dir(servers.ConsulTemplate(t))
			}
			if strings.Contains(string(text), "\nnginx ") {
				r.path += string(filepath.ListSeparator) + filepath.Dir(servers.NginxPath(t))
				port := strconv.Itoa(servers.Ports(t, 1)[0])
				text = bytes.ReplaceAll(text, []byte(nginxPort), []byte(port))
				t.Cleanup(func() { _ = r.command("test ! -e nginx.pid || nginx -p . -c nginx.conf -s stop").Run() })
			}
			for _, b := range blocks(string(text)) {
				if b.kind == code {
					r.follow(b)
				}
			}
		})
	}
}

const managementToken = "11111111-2222-3333-4444-555555555555"

// nginxPort is where the nginx of a page listens, if that is free.
const nginxPort = "8088"

// A reader does what a page says, in a directory of its own.
type reader struct {
	t         *testing.T
	dir, path string
	env       []string
	jobs      []*daemon.Daemon            // by the number that the shell gives them, from 1; nil: it was ended
	shell     func(line string) *exec.Cmd // runs a line elsewhere; nil: in dir, with path and env
}

func (r *reader) follow(b block) {
	switch {
	case b.file != "":
		writeFile(r.t, filepath.Join(r.dir, b.file), b.text)
	case b.lang == "sh":
		for line := range strings.Lines(b.text) {
			if line = strings.TrimSpace(line); line != "" && elsewhere[line] == "" {
				r.run(line)
			}
		}
	case b.lang == "console":
		for _, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
			line, want, _ := strings.Cut(part, "\n")
			r.expect(line, want)
		}
	}
}

var mayTakeTime = regexp.MustCompile(`^(cat|curl|restencil status) `)

// expect runs a command and wants its output.
func (r *reader) expect(line, want string) {
	var got string
	check := func() error {
		got = r.run(line)
		if strings.TrimSpace(got) != strings.TrimSpace(want) {
			return errors.New("other output")
		}
		return nil
	}
	err := check()
	if err != nil && mayTakeTime.MatchString(line) {
		err = await.Poll(await.Timeout, check)
	}
	if err != nil {
		r.t.Errorf("$ %s\n%s", line, cmp.Diff(want, got))
	}
}

func (r *reader) run(line string) string {
	if kill, n, ok := strings.Cut(line, " %"); ok && strings.HasPrefix(kill, "kill") {
		job, err := strconv.Atoi(n)
		if err != nil || job > len(r.jobs) {
			r.t.Fatalf("$ %s: there is no such job", line)
		}
		if kill == "kill -INT" { // consul-template ignores SIGTERM
			r.jobs[job-1].Signal(os.Interrupt)
		}
		r.jobs[job-1].Stop()
		for r.jobs[job-1] = nil; len(r.jobs) > 0 && r.jobs[len(r.jobs)-1] == nil; {
			r.jobs = r.jobs[:len(r.jobs)-1]
		}
		return ""
	}
	if background, ok := strings.CutSuffix(line, " &"); ok {
		r.jobs = append(r.jobs, daemon.Start(r.t, r.command("exec "+background)))
		return ""
	}
	out, err := r.command(line).CombinedOutput()
	if err != nil && !mayTakeTime.MatchString(line) {
		r.t.Errorf("$ %s\n%s%v", line, out, err)
	}
	return string(out)
}

func (r *reader) command(line string) *exec.Cmd {
	if r.shell != nil {
		return r.shell(line)
	}
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), append(r.env, "PATH="+r.path+string(filepath.ListSeparator)+os.Getenv("PATH"))...)
	return cmd
}
