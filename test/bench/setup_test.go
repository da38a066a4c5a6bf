package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/consul/api"

	"restencil/test/servers"
)

// timeout is how long anything may take before the run is given up.
const timeout = time.Minute

// A workload is what the programs are set to do.
type workload struct {
	// raised has the agent allow a program any number of connections.
	raised bool

	ours bool // consul-template takes no part: it never gets there

	services, nodes int // how many there are, where the workload says

	fill      func(s *setup)          // fills the store
	templates func(s *setup) []tmpl   // for restencil and consul-template
	bare      func(s *setup) []string // the bare program's arguments; nil: it takes no part

	// rendered waits until the first files are in place, but at most so long.
	rendered func(s *setup, most time.Duration) bool

	// change makes a change, waits until it is in place, and returns how long
	// that took.
	change func(s *setup) time.Duration
}

// onDefaultAgent returns the workload for agents with default limits only.
func (w workload) onDefaultAgent() workload {
	w.raised, w.bare = false, nil
	return w
}

// alone returns the workload without consul-template.
func (w workload) alone() workload {
	w.ours = true
	return w
}

// longest returns how long a program may take until the first files are in place: on an
// agent with default limits, one may never get there.
func (w workload) longest() time.Duration {
	if *full && !w.raised {
		return 20 * time.Second
	}
	return timeout
}

// programs returns those that take part.
func (w workload) programs(all []program) []program {
	return slices.DeleteFunc(slices.Clone(all), func(p program) bool {
		return p.name == bare && w.bare == nil || p.name == consulTemplate && w.ours
	})
}

// A setup is a program that works on an agent.
type setup struct {
	t       *testing.T
	name    string // the program's; also its own part of the store
	work    workload
	agent   *servers.Agent
	client  *api.Client
	dir     string // of its files
	old     string // of what they were, under other names
	events  *fsnotify.Watcher
	value   int // the newest that was put into the store
	command []string
	process *process // once it is started
}

// newSetup prepares a program's work, with the store filled.
func newSetup(t *testing.T, agent *servers.Agent, p program, w workload) *setup {
	t.Helper()
	s := &setup{t: t, name: p.name, work: w, agent: agent, client: agent.Client(), dir: tempDir(t), old: tempDir(t)}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close() })
	if err := events.Add(s.dir); err != nil {
		t.Fatal(err)
	}
	s.events = events
	w.fill(s)
	s.command = append([]string{p.path}, p.args(s)...)
	return s
}

// tempDir makes a directory that stays until the end of the test which called
// keepTemp.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// keepTemp has temporary directories stay until the end of t, see keepInodes. Where
// the file system can, they are in a block group apart from what other processes
// make and remove. The program under test, which outlives t, must have been built.
func keepTemp(t *testing.T) {
	t.Helper()
	parent := t.TempDir()
	_ = exec.Command("chattr", "+T", parent).Run()
	dir := filepath.Join(parent, "apart")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
}

// start starts the program. It ends with the test, if not before.
func (s *setup) start() {
	s.t.Helper()
	s.process = startProcess(s.t, s.command[0], s.command[1:]...)
}

// ready returns when the first files are in place.
func (s *setup) ready() {
	s.t.Helper()
	if !s.work.rendered(s, timeout) {
		s.t.Fatalf("%s has not rendered after %v\n%s", s.name, timeout, s.process.output())
	}
}

// turn makes one change and waits until the program is idle again.
func (s *setup) turn() time.Duration {
	s.t.Helper()
	s.forgetEvents()
	took := s.work.change(s)
	s.process.settle()
	return took
}

// url returns where the agent answers path.
func (s *setup) url(path string) string { return "http://" + s.agent.Addr() + path }

// file returns the path of one of the program's files.
func (s *setup) file(name string) string { return filepath.Join(s.dir, name) }

// files returns the paths of n files.
func (s *setup) files(n int) []string {
	var all []string
	for i := range n {
		all = append(all, s.file(strconv.Itoa(i)))
	}
	return all
}

// keepInodes gives files that are about to be replaced a second name, so that
// their inodes are not freed. An ext4 without a journal passes over the inodes that
// were freed within some minutes, one after another, whenever a file is made: after
// hundreds of turns that is much of what a change takes.
func (s *setup) keepInodes(files ...string) {
	s.t.Helper()
	for _, file := range files {
		err := os.Link(file, filepath.Join(s.old, strconv.FormatUint(rand.Uint64(), 36)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it is being replaced right now
			s.t.Fatal(err)
		}
	}
}

// another returns another of n places for each change, no neighbour of the last.
func (s *setup) another(n int) int { return s.value * 7919 % n }

// newAgent starts an agent for a program.
func newAgent(t *testing.T, p program, w workload) *servers.Agent {
	t.Helper()
	options := []servers.ConsulOption{servers.HCL(`telemetry { prometheus_retention_time = "1h" }`)}
	if w.raised {
		options = append(options, servers.HCL(`limits { http_max_conns_per_client = 12000 }`))
	}
	if *full {
		dir, err := os.MkdirTemp("/dev/shm", "restencil-bench-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		options = append(options, servers.Persistent(), servers.HCL(fmt.Sprintf(`
			data_dir = %q
			raft_logstore { backend = "boltdb" } // the default takes 64 MiB at once
		`, dir)))
	}
	return servers.Consul(t, options...)
}

// answered returns how many GET requests the agent has answered so far, other
// than those for this number.
func (s *setup) answered() float64 {
	s.t.Helper()
	resp, err := http.Get(s.url("/v1/agent/metrics?format=prometheus"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	sum := 0.0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		if !strings.HasPrefix(line, `consul_api_http_count{method="GET"`) || strings.Contains(line, "agent_metrics") {
			continue
		}
		n, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err != nil {
			s.t.Fatalf("metrics of the agent: %q: %v", line, err)
		}
		sum += n
	}
	return sum
}

// arrives waits until a file is right. It looks when something was renamed to
// the file's name, and the newest content may be there already.
func (s *setup) arrives(file string, right func(content string) bool) {
	s.t.Helper()
	if !s.arrivesWithin(timeout, file, right) {
		s.t.Fatalf("%s: %s is not right after %v\n%s", s.name, file, timeout, s.process.output())
	}
}

// arrivesWithin is arrives for what may fail to come.
func (s *setup) arrivesWithin(most time.Duration, file string, right func(content string) bool) bool {
	deadline := time.After(most)
	for {
		if content, err := os.ReadFile(file); err == nil && right(string(content)) {
			return true
		}
		for came := false; !came; {
			select {
			case event := <-s.events.Events:
				came = event.Name == file
			case <-s.events.Errors: // too many events at once: some are lost
				came = true
			case <-deadline:
				return false
			}
		}
	}
}

// forgetEvents drops the events of what happened before.
func (s *setup) forgetEvents() {
	for {
		select {
		case <-s.events.Events:
		case <-s.events.Errors:
		case <-time.After(time.Millisecond):
			return
		}
	}
}

// allArrive waits until all these files hold content, but at most so long. It
// looks every half millisecond at the first that does not: events of hundreds
// of files would take more of the machine.
func allArrive(most time.Duration, files []string, content func(i int) string) bool {
	const pause = 500 * time.Microsecond
	deadline := time.Now().Add(most)
	for i := 0; i < len(files); {
		got, err := os.ReadFile(files[i])
		switch {
		case err == nil && string(got) == content(i):
			i++
		case time.Now().After(deadline):
			return false
		default:
			time.Sleep(pause)
		}
	}
	return true
}

// is returns what arrives takes for a file that shall hold just this.
func is(want string) func(content string) bool {
	return func(content string) bool { return content == want }
}
