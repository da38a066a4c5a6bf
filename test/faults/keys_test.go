package faults

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
)

func readFile(path string) (string, error) {
	content, err := os.ReadFile(path)
	return string(content), err
}

// fill writes keys that no template asks for, as many as n transactions hold.
func fill(t *testing.T, c *api.Client, n int) {
	t.Helper()
	const most = 64 // in a transaction
	for i := range n {
		var ops api.KVTxnOps
		for j := range most {
			ops = append(ops, &api.KVTxnOp{Verb: api.KVSet, Key: fmt.Sprintf("other/%d", j), Value: fmt.Append(nil, i)})
		}
		if _, _, _, err := c.KV().Txn(ops, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// put writes a key. It tries until that works.
func put(t *testing.T, c *api.Client, key, value string) {
	t.Helper()
	await.Eventually(t, func() error {
		_, err := c.KV().Put(&api.KVPair{Key: key, Value: []byte(value)}, nil)
		return err
	})
}

// numbers is how many keys a writer writes.
const numbers = 10

// numbered is a template of those keys.
func numbered() string {
	var b strings.Builder
	b.WriteString("begin\n")
	for i := range numbers {
		fmt.Fprintf(&b, "{{ keyOrDefault \"n/%d\" \"none\" }}\n", i)
	}
	return b.String() + "{{ range ls \"n\" }}{{ .Value }} {{ end }}\nend\n"
}

// A writer counts up keys, one after another, until it is told to stop. That
// the store is away does not stop it.
type writer struct {
	c    *api.Client
	quit chan struct{}
	wg   sync.WaitGroup
	last int // what it wrote last
}

func startWriter(t *testing.T, c *api.Client) *writer {
	t.Helper()
	for i := range numbers {
		put(t, c, numberKey(i), "0")
	}
	w := &writer{c: c, quit: make(chan struct{})}
	w.wg.Go(w.run)
	t.Cleanup(w.halt)
	return w
}

func numberKey(i int) string { return fmt.Sprintf("n/%d", i%numbers) }

func (w *writer) run() {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-tick.C:
			w.last++
			_, _ = w.c.KV().Put(&api.KVPair{Key: numberKey(w.last), Value: []byte(strconv.Itoa(w.last))}, nil)
		}
	}
}

func (w *writer) halt() {
	select {
	case <-w.quit:
		return
	default:
	}
	close(w.quit)
	w.wg.Wait()
}

// finish stops the writer, writes every key a last time, and returns what the
// file must then hold.
func (w *writer) finish(t *testing.T) string {
	t.Helper()
	w.halt()
	var lines, list strings.Builder
	for i := range numbers {
		value := strconv.Itoa(w.last + 1 + i)
		put(t, w.c, numberKey(i), value)
		lines.WriteString(value + "\n")
		list.WriteString(value + " ")
	}
	return "begin\n" + lines.String() + list.String() + "\nend\n"
}

// onlyUp returns a judge of files of the numbered template: they are whole, and
// no number goes down.
func onlyUp() func(string) error {
	highest := make([]int, 2*numbers)
	return func(content string) error {
		body, begun := strings.CutPrefix(content, "begin\n")
		body, ended := strings.CutSuffix(body, "\nend\n")
		values := strings.Fields(body)
		if !begun || !ended || len(values) != len(highest) {
			return fmt.Errorf("not a whole file")
		}
		for i, value := range values {
			n, err := strconv.Atoi(value)
			if err != nil {
				return err
			}
			if n < highest[i] {
				return fmt.Errorf("number %d is %d after it was %d", i, n, highest[i])
			}
			highest[i] = n
		}
		return nil
	}
}
