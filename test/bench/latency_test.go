package bench

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/consul/api"

	"restencil/test/binary"
	"restencil/test/servers"
)

func TestMain(m *testing.M) {
	if url, file, ok := strings.Cut(os.Getenv(bareVariable), " "); ok {
		fmt.Fprintln(os.Stderr, loop(url, file))
		os.Exit(1)
	}
	os.Exit(binary.Main(m))
}

// BenchmarkLatency measures the time from the answer to a PUT until the new
// file is in place: one key, one template. The contenders take turns, each
// with a key and a file of its own, and each change starts when the last has
// arrived. Figures are medians.
func BenchmarkLatency(b *testing.B) {
	agent := servers.Consul(b)
	contenders := []*contender{
		follow(b, agent, "restencil", program(binary.Path(b))),
		follow(b, agent, "consul-template", program(servers.ConsulTemplate(b))),
		follow(b, agent, "bare", bareLoop),
	}
	for b.Loop() {
		for _, c := range contenders {
			c.change(b)
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

// bareVariable makes this test program the bare loop instead: its value is the
// URL of the key and the file, with a blank between them.
const bareVariable = "RESTENCIL_BENCH_BARE"

// bareLoop starts the least that can be done, as a process like the others: a
// blocking query, a durable write and a rename, again and again.
func bareLoop(b *testing.B, addr, key, file string) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv(bareVariable, "http://"+addr+"/v1/kv/"+key+" "+file)
	run(b, self)
	os.Unsetenv(bareVariable)
}

func loop(url, file string) error {
	for index := "0"; ; {
		value, next, err := query(url + "?wait=60s&index=" + index)
		if err != nil {
			return err
		}
		if next != index {
			if err := write(file, value); err != nil {
				return err
			}
		}
		index = next
	}
}

func query(url string) (value []byte, index string, err error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, "", err
	}
	var pairs []struct{ Value string }
	if err := json.Unmarshal(body, &pairs); err != nil {
		return nil, "", err
	}
	value, err = base64.StdEncoding.DecodeString(pairs[0].Value)
	return value, resp.Header.Get("X-Consul-Index"), err
}

func write(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".out-")
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
