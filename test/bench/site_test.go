package bench

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/consul/api"

	"restencil/test/servers"
)

// A scene is what the contenders are set to do.
type scene struct {
	// raised has consul-template's agent allow it any number of connections.
	raised bool

	seed      func(s *site)            // fills the store
	templates func(s *site) []document // for restencil and consul-template
	bare      func(s *site) []string   // the bare program's arguments; nil: it takes no part

	// rendered waits until the first files are in place, but at most so long.
	rendered func(s *site, most time.Duration) bool

	// change makes a change and returns how it fared.
	change func(s *site) outcome
}

// A site is where one contender works in one scene.
type site struct {
	t      *testing.T
	name   string // the contender's; its own part of a store that is shared
	agent  *servers.Agent
	client *api.Client
	dir    string // of its files
	events *fsnotify.Watcher
	value  int // the newest that was put into the store

	command []string // the contender's
	process *process // once it is started
}

// newSite prepares a contender's place, with the store filled.
func newSite(t *testing.T, agent *servers.Agent, c contender, sc scene) *site {
	t.Helper()
	s := &site{t: t, name: c.name, agent: agent, client: agent.Client(), dir: t.TempDir()}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close() })
	if err := events.Add(s.dir); err != nil {
		t.Fatal(err)
	}
	s.events = events
	sc.seed(s)
	s.command = append([]string{c.path}, c.args(sc, s)...)
	return s
}

// start starts the contender. It ends with the test, if not before.
func (s *site) start() {
	s.t.Helper()
	s.process = startProcess(s.t, s.command[0], s.command[1:]...)
}

// ready returns when the first files are in place.
func (s *site) ready(sc scene) {
	s.t.Helper()
	if !sc.rendered(s, patience) {
		s.t.Fatalf("%s has not rendered after %v\n%s", s.name, patience, s.process.output())
	}
}

// url returns where the agent answers path.
func (s *site) url(path string) string { return "http://" + s.agent.Addr() + path }

// file returns the path of a file of the site.
func (s *site) file(name string) string { return filepath.Join(s.dir, name) }

// newAgent starts an agent for a contender.
func newAgent(t *testing.T, c contender, sc scene, options ...servers.ConsulOption) *servers.Agent {
	t.Helper()
	if sc.raised && c.name == consulTemplate {
		options = append(options, servers.HCL(`limits { http_max_conns_per_client = 12000 }`))
	}
	return servers.Consul(t, options...)
}
