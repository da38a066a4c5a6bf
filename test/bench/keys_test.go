package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
)

// key returns the name of one of the program's keys.
func (s *setup) key(i int) string { return fmt.Sprintf("%s/app-%05d", s.name, i) }

// put gives a key the next value. It returns when the agent has answered; begun is
// when it was asked.
func (s *setup) put(key string) (value string, begun time.Time) {
	s.t.Helper()
	s.value++
	value = strconv.Itoa(s.value)
	begun = time.Now()
	if _, err := s.client.KV().Put(&api.KVPair{Key: key, Value: []byte(value)}, nil); err != nil {
		s.t.Fatal(err)
	}
	return value, begun
}

// oneKey is a template with a key.
func oneKey() workload {
	return workload{
		fill:      func(s *setup) { s.put(s.key(0)) },
		templates: func(s *setup) []tmpl { return []tmpl{{text: callKey(s.key(0)), file: s.file("out")}} },
		bare:      func(s *setup) []string { return []string{"key", s.url("/v1/kv/" + s.key(0)), s.file("out")} },
		rendered: func(s *setup, most time.Duration) bool {
			return s.arrivesWithin(most, s.file("out"), is(strconv.Itoa(s.value)))
		},
		change: func(s *setup) time.Duration { return s.follow(s.key(0), s.file("out")) },
	}
}

func callKey(key string) string { return fmt.Sprintf("{{ key %q }}", key) }

// follow changes a key and waits for a file that shall hold its value.
func (s *setup) follow(key, file string) time.Duration {
	s.keepInodes(file)
	value, begun := s.put(key)
	s.arrives(file, is(value))
	return time.Since(begun)
}

// pair makes a second change while the first is under way.
func pair() workload {
	w := oneKey()
	w.change = func(s *setup) time.Duration {
		s.put(s.key(0))
		time.Sleep(15 * time.Millisecond)
		return s.follow(s.key(0), s.file("out"))
	}
	return w
}

// burst makes changes back to back for half a second, with a command after each
// that was rendered, or none. What counts is when the last is in place.
func burst(command string) workload {
	length := 500 * time.Millisecond
	if !*full {
		length = 50 * time.Millisecond
	}
	w := oneKey()
	w.templates = func(s *setup) []tmpl {
		return []tmpl{{text: callKey(s.key(0)), file: s.file("out"), command: command}}
	}
	if command != "" {
		w.bare = nil // it runs none
	}
	w.change = func(s *setup) time.Duration {
		for end := time.Now().Add(length); time.Now().Before(end); {
			s.put(s.key(0))
		}
		return s.follow(s.key(0), s.file("out"))
	}
	return w
}

// fanOut is n templates with a key each, of which one changes.
func fanOut(n int) workload {
	return workload{
		raised: true,
		fill:   func(s *setup) { s.setKeys(n) },
		templates: func(s *setup) []tmpl {
			var all []tmpl
			for i, file := range s.files(n) {
				all = append(all, tmpl{text: callKey(s.key(i)), file: file})
			}
			return all
		},
		rendered: func(s *setup, most time.Duration) bool { return allArrive(most, s.files(n), initial) },
		change: func(s *setup) time.Duration {
			i := s.another(n)
			return s.follow(s.key(i), s.files(n)[i])
		},
	}
}

// sharedKey is n templates with the same key.
func sharedKey(n int) workload {
	return workload{
		fill: func(s *setup) { s.put(s.key(0)) },
		templates: func(s *setup) []tmpl {
			var all []tmpl
			for _, file := range s.files(n) {
				all = append(all, tmpl{text: callKey(s.key(0)), file: file})
			}
			return all
		},
		bare: func(s *setup) []string {
			return append([]string{"files", s.url("/v1/kv/" + s.key(0))}, s.files(n)...)
		},
		rendered: func(s *setup, most time.Duration) bool {
			return allArrive(most, s.files(n), func(int) string { return strconv.Itoa(s.value) })
		},
		change: func(s *setup) time.Duration {
			files := s.files(n)
			s.keepInodes(files...)
			value, begun := s.put(s.key(0))
			if !allArrive(timeout, files, func(int) string { return value }) {
				s.t.Fatalf("%s: value %s is not in all files\n%s", s.name, value, s.process.output())
			}
			return time.Since(begun)
		},
	}
}

// manyKeys is a template with n keys, of which one changes.
func manyKeys(n int) workload {
	return workload{
		raised: true,
		fill:   func(s *setup) { s.setKeys(n) },
		templates: func(s *setup) []tmpl {
			var text strings.Builder
			for i := range n {
				text.WriteString(callKey(s.key(i)) + "\n")
			}
			return []tmpl{{text: text.String(), file: s.file("out")}}
		},
		bare: func(s *setup) []string { return []string{"tree", s.url("/v1/kv/" + s.name + "/"), s.file("out")} },
		rendered: func(s *setup, most time.Duration) bool {
			var want strings.Builder
			for i := range n {
				want.WriteString(initial(i) + "\n")
			}
			return s.arrivesWithin(most, s.file("out"), is(want.String()))
		},
		change: func(s *setup) time.Duration {
			s.keepInodes(s.file("out"))
			value, begun := s.put(s.key(s.another(n)))
			s.arrives(s.file("out"), func(content string) bool { return strings.Contains("\n"+content, "\n"+value+"\n") })
			return time.Since(begun)
		},
	}
}

// setKeys gives n keys their initial values.
func (s *setup) setKeys(n int) {
	s.t.Helper()
	var ops api.TxnOps
	for i := range n {
		ops = append(ops, &api.TxnOp{KV: &api.KVTxnOp{Verb: api.KVSet, Key: s.key(i), Value: []byte(initial(i))}})
	}
	s.apply(ops)
}

func initial(i int) string { return fmt.Sprintf("value %d", i) }

// apply makes these changes, many in one request.
func (s *setup) apply(ops api.TxnOps) {
	s.t.Helper()
	const most = 64 // in one transaction, which is Consul's limit
	for part := range slices.Chunk(ops, most) {
		ok, resp, _, err := s.client.Txn().Txn(part, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if !ok {
			s.t.Fatalf("filling the store: %s", resp.Errors[0].What)
		}
	}
}
