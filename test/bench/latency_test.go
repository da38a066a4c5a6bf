package bench

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/consul/api"

	"restencil/test/binary"
	"restencil/test/servers"
)

func TestMain(m *testing.M) {
	os.Exit(binary.Main(m))
}

// BenchmarkLatency measures the time from the answer to a PUT until the new
// file is in place: one key, one template. The contenders take turns in random
// order, each with a key and a file of its own, and each change starts when the
// last has arrived. Figures are medians.
func BenchmarkLatency(b *testing.B) {
	agent := servers.Consul(b)
	contenders := []*contender{
		follow(b, agent, "restencil", program(binary.Path(b))),
		follow(b, agent, "consul-template", program(servers.ConsulTemplate(b))),
		follow(b, agent, "bare", bareLoop),
	}
	for b.Loop() {
		for _, i := range rand.Perm(len(contenders)) {
			contenders[i].change(b)
		}
	}
	bare := contenders[2].median()
	for _, c := range contenders {
		b.ReportMetric(float64(c.median().Microseconds()), c.name+"-µs")
		b.ReportMetric(float64(c.median())/float64(bare), c.name+"/bare")
	}
	b.ReportMetric(0, "ns/op") // a turn of all three means nothing
}

// A contender keeps a file in step with a key.
type contender struct {
	name   string
	client *api.Client
	key    string
	file   string
	events *fsnotify.Watcher
	value  int
	took   []time.Duration
}

// A starter starts something that keeps file in step with key until the
// benchmark ends.
type starter func(b *testing.B, addr, key, file string)

func follow(b *testing.B, agent *servers.Agent, name string, start starter) *contender {
	b.Helper()
	dir := b.TempDir()
	events, err := fsnotify.NewWatcher()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { events.Close() })
	if err := events.Add(dir); err != nil {
		b.Fatal(err)
	}
	c := &contender{name: name, client: agent.Client(), key: "bench/" + name, file: filepath.Join(dir, "out"), events: events}
	c.put(b)
	start(b, agent.Addr(), c.key, c.file)
	c.arrived(b)
	for range 5 { // warm
		c.change(b)
	}
	c.took = nil
	return c
}

// change makes one change and measures it.
func (c *contender) change(b *testing.B) {
	time.Sleep(5 * time.Millisecond) // let the next blocking query reach the agent
	c.put(b)
	start := time.Now()
	c.arrived(b)
	c.took = append(c.took, time.Since(start))
}

func (c *contender) put(b *testing.B) {
	c.value++
	if _, err := c.client.KV().Put(&api.KVPair{Key: c.key, Value: []byte(strconv.Itoa(c.value))}, nil); err != nil {
		b.Fatal(err)
	}
}

// arrived waits until the file holds the newest value.
func (c *contender) arrived(b *testing.B) {
	deadline := time.After(30 * time.Second)
	for {
		if got, err := os.ReadFile(c.file); err == nil && string(got) == strconv.Itoa(c.value) {
			return
		}
		select {
		case <-c.events.Events:
		case err := <-c.events.Errors:
			b.Fatal(err)
		case <-deadline:
			b.Fatalf("%s: value %d did not arrive", c.name, c.value)
		}
	}
}

func (c *contender) median() time.Duration {
	slices.Sort(c.took)
	return c.took[len(c.took)/2]
}

// program starts a program that has consul-template's command line.
func program(path string) starter {
	return func(b *testing.B, addr, key, file string) {
		tpl := filepath.Join(b.TempDir(), "t")
		if err := os.WriteFile(tpl, fmt.Appendf(nil, "{{ key %q }}", key), 0o644); err != nil {
			b.Fatal(err)
		}
		run(b, path, "-consul-addr", addr, "-template", tpl+":"+file)
	}
}

// bareLoop starts the least that can be done, as a process like the others.
func bareLoop(b *testing.B, addr, key, file string) {
	path := filepath.Join(b.TempDir(), "bare")
	if out, err := exec.Command("go", "build", "-o", path, "restencil/test/bench/bare").CombinedOutput(); err != nil {
		b.Fatalf("building the bare loop: %v\n%s", err, out)
	}
	run(b, path, "http://"+addr+"/v1/kv/"+key, file)
}
