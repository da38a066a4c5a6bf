package compat

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"
)

// A latch is a key that templates wait for. consul-template executes a template
// before it has any data, and what fails then (index of an empty list, say)
// would hide what comes later. So a guarded template does nothing before the
// latch's key is there, and by then all that it asks for has been fetched.
type latch string

func (r *rig) newLatch() latch { return latch(fmt.Sprintf("latch/%d", r.latches.Add(1))) }

// beginning stands between what a made-up template defines, which must be
// outside of everything else, and what it does.
const beginning = "{{/* now: */}}"

// guard returns a template that does nothing before the latch is open.
func (g latch) guard(text string) source {
	defines, body, ok := strings.Cut(text, beginning)
	if !ok {
		defines, body = "", text
	}
	return source{name: text, text: fmt.Sprintf("%s{{ if key %q }}%s{{ end }}", defines, string(g), body)}
}

// fetchAll returns a template that asks for everything in answers, and waits.
func (g latch) fetchAll() source {
	var text strings.Builder
	for _, all := range answers {
		for _, ask := range all {
			whole, _, _ := strings.Cut(ask, ".Data") // there is none yet
			fmt.Fprintf(&text, "{{ $_ := %s }}", whole)
		}
	}
	fmt.Fprintf(&text, "{{ key %q }}", string(g))
	return source{name: "fetch all", text: text.String()}
}

// renderBehind has consul-template render guarded templates, all in one
// process: it is told to go on where one fails. (It crashes where that is at
// the first execution, but there a guarded template does nothing.)
func (r *rig) renderBehind(t *testing.T, g latch, sources []source) []result {
	t.Helper()
	all := append(append([]source{g.fetchAll()}, sources...), g.guard("the last one"))
	for i := range all {
		all[i].settings = []string{"error_fatal = false"}
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	run := r.oracle.prepare(t, all)
	cmd := r.oracle.command(ctx, run, "-log-level", "debug")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel() // it may wait for ever for the templates that fail
		_ = cmd.Wait()
	}()
	errs, err := follow(log, len(all)-1, func() error {
		_, err := r.agent.Client().KV().Put(&api.KVPair{Key: string(g), Value: []byte("open")}, nil)
		return err
	})
	if err != nil {
		t.Fatal("consul-template:", err)
	}
	results := make([]result, len(sources))
	for i := range sources {
		if results[i].text, results[i].ok = run.rendered(i + 1); !results[i].ok {
			results[i].text, results[i].exit = errs[i+1], failed // were it not told to go on
		}
		if !results[i].ok && results[i].text == "" {
			t.Fatalf("consul-template waits for something that is not in answers:\n%s", sources[i].text)
		}
	}
	return results
}

// follow reads consul-template's log. It calls open when nothing but the latch
// is missing, and returns when the last template is rendered, with the errors
// of the others.
func follow(log io.Reader, last int, open func() error) (map[int]string, error) {
	const (
		pass     = "(runner) initiating run"
		template = "(runner) checking template "
		waits    = "(runner) missing data for 1 dependencies"
	)
	failure := regexp.MustCompile(`\[ERR\] \(runner\) in/(\d+)\.ctmpl: (.*)`)
	done := fmt.Sprintf("(runner) rendered %q", in(last))
	errs := make(map[int]string)
	var before [2]string // the lines before this one
	opened := false
	for r := bufio.NewReader(log); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("its log ends after %q: %w", before, err)
		}
		first := strings.Contains(before[0], pass) && strings.Contains(before[1], template)
		if !opened && first && strings.Contains(line, waits) {
			opened = true
			if err := open(); err != nil {
				return nil, err
			}
		}
		if m := failure.FindStringSubmatch(line); m != nil {
			i, _ := strconv.Atoi(m[1])
			errs[i] = m[2]
		}
		if strings.Contains(line, done) {
			return errs, nil
		}
		before[0], before[1] = before[1], line
	}
}
