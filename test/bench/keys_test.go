package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
)

// key returns the name of one of the site's keys.
func (s *site) key(i int) string { return fmt.Sprintf("%s/app-%05d", s.name, i) }

// put gives a key the next value, and returns when the agent has answered.
func (s *site) put(key string) (value string, answered time.Time) {
	s.t.Helper()
	s.value++
	value = strconv.Itoa(s.value)
	if _, err := s.client.KV().Put(&api.KVPair{Key: key, Value: []byte(value)}, nil); err != nil {
		s.t.Fatal(err)
	}
	return value, time.Now()
}

// oneKey is a template with a key.
func oneKey() scene {
	return scene{
		seed:      func(s *site) { s.put(s.key(0)) },
		templates: func(s *site) []document { return []document{{text: callKey(s.key(0)), file: s.file("out")}} },
		bare:      func(s *site) []string { return []string{"key", s.url("/v1/kv/" + s.key(0)), s.file("out")} },
		rendered: func(s *site, most time.Duration) bool {
			return s.arrivesWithin(most, s.file("out"), is(strconv.Itoa(s.value)))
		},
		change: func(s *site) outcome { return s.follow(s.key(0), s.file("out")) },
	}
}

func callKey(key string) string { return fmt.Sprintf("{{ key %q }}", key) }

// follow changes a key and waits for a file that shall hold its value.
func (s *site) follow(key, file string) outcome {
	value, start := s.put(key)
	s.arrives(file, is(value))
	return outcome{took: time.Since(start)}
}

// pair makes a second change while the first is under way.
func pair() scene {
	sc := oneKey()
	sc.change = func(s *site) outcome {
		s.put(s.key(0))
		time.Sleep(15 * time.Millisecond)
		return s.follow(s.key(0), s.file("out"))
	}
	return sc
}

// burst makes changes back to back for three seconds, and runs a command after
// each that was rendered. What counts is when the last is in place.
func burst() scene {
	length := 3 * time.Second
	if !*full {
		length = 100 * time.Millisecond
	}
	sc := oneKey()
	sc.seed = func(s *site) {
		s.put(s.key(0))
		if err := os.Mkdir(filepath.Dir(ran(s)), 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	sc.templates = func(s *site) []document {
		return []document{{text: callKey(s.key(0)), file: s.file("out"), command: "echo >>" + ran(s)}}
	}
	sc.change = func(s *site) outcome {
		before := runs(s)
		for end := time.Now().Add(length); time.Now().Before(end); {
			s.put(s.key(0))
		}
		o := s.follow(s.key(0), s.file("out"))
		s.process.settle()
		o.runs = runs(s) - before
		return o
	}
	return sc
}

// ran returns the file to which the site's command adds a line.
func ran(s *site) string { return filepath.Join(s.file("commands"), "ran") }

func runs(s *site) int {
	text, _ := os.ReadFile(ran(s))
	return strings.Count(string(text), "\n")
}

// fanOut is n templates with a key each, of which one changes.
func fanOut(n int) scene {
	return scene{
		raised: true,
		seed:   func(s *site) { s.setKeys(n) },
		templates: func(s *site) []document {
			var all []document
			for i, file := range s.files(n) {
				all = append(all, document{text: callKey(s.key(i)), file: file})
			}
			return all
		},
		rendered: func(s *site, most time.Duration) bool { return allArrive(most, s.files(n), initial) },
		change: func(s *site) outcome {
			i := s.somewhere(n)
			return s.follow(s.key(i), s.files(n)[i])
		},
	}
}

// sharedKey is n templates with the same key.
func sharedKey(n int) scene {
	return scene{
		seed: func(s *site) { s.put(s.key(0)) },
		templates: func(s *site) []document {
			var all []document
			for _, file := range s.files(n) {
				all = append(all, document{text: callKey(s.key(0)), file: file})
			}
			return all
		},
		bare: func(s *site) []string {
			return append([]string{"files", s.url("/v1/kv/" + s.key(0))}, s.files(n)...)
		},
		rendered: func(s *site, most time.Duration) bool {
			return allArrive(most, s.files(n), func(int) string { return strconv.Itoa(s.value) })
		},
		change: func(s *site) outcome {
			files := s.files(n)
			s.outlive(files)
			value, start := s.put(s.key(0))
			if !allArrive(patience, files, func(int) string { return value }) {
				s.t.Fatalf("%s: value %s is not in all files\n%s", s.name, value, s.process.output())
			}
			return outcome{took: time.Since(start)}
		},
	}
}

// manyKeys is a template with n keys, of which one changes.
func manyKeys(n int) scene {
	return scene{
		raised: true,
		seed:   func(s *site) { s.setKeys(n) },
		templates: func(s *site) []document {
			var text strings.Builder
			for i := range n {
				text.WriteString(callKey(s.key(i)) + "\n")
			}
			return []document{{text: text.String(), file: s.file("out")}}
		},
		bare: func(s *site) []string { return []string{"tree", s.url("/v1/kv/" + s.name + "/"), s.file("out")} },
		rendered: func(s *site, most time.Duration) bool {
			var want strings.Builder
			for i := range n {
				want.WriteString(initial(i) + "\n")
			}
			return s.arrivesWithin(most, s.file("out"), is(want.String()))
		},
		change: func(s *site) outcome {
			value, start := s.put(s.key(s.somewhere(n)))
			s.arrives(s.file("out"), func(content string) bool { return strings.Contains("\n"+content, "\n"+value+"\n") })
			return outcome{took: time.Since(start)}
		},
	}
}

// files returns the paths of n files of the site.
func (s *site) files(n int) []string {
	var all []string
	for i := range n {
		all = append(all, s.file(strconv.Itoa(i)))
	}
	return all
}

// outlive gives files a second name, under which they outlive their
// replacement. ext4 passes over the inodes that were freed within a minute, one
// after another, whenever a file is made, and after a few turns of hundreds of
// files that would be most of what is measured. Where minutes lie between
// changes there is nothing to pass over.
func (s *site) outlive(files []string) {
	s.t.Helper()
	dir := s.t.TempDir()
	for i, file := range files {
		if err := os.Link(file, filepath.Join(dir, strconv.Itoa(i))); err != nil {
			s.t.Fatal(err)
		}
	}
}

// somewhere returns another of n places each time that something was changed,
// which are not neighbours.
func (s *site) somewhere(n int) int { return s.value * 7919 % n }

// setKeys gives n keys their initial values.
func (s *site) setKeys(n int) {
	s.t.Helper()
	var ops []*api.TxnOp
	for i := range n {
		ops = append(ops, setKey(s.key(i), initial(i)))
	}
	fill(s.t, s.client, ops)
}

func initial(i int) string { return fmt.Sprintf("value %d", i) }
