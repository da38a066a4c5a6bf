package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hashicorp/consul/api"
)

// differences are what the two programs do differently on purpose. Theirs and
// ours are what is rendered, or an exit code.
var differences = []struct {
	reason       string
	text         string
	file         string // compare this file rather than what the template renders to
	theirs, ours string
}{
	{
		reason: "containsAll and its kin take any list for the values to look for (COMPAT Q20)",
		text:   `{{ containsAll (split "," "a,b") (split "," "a,b,c") }} {{ containsAny (sprig_until 1) "0" }}`,
		theirs: "exit 14", ours: "true false",
	},
	{
		reason: "a template that fails before it has its data waits for them (design: missing dependency)",
		text:   `{{ (index (service "db") 0).Address }} {{ (key "app/json" | parseJSON).n.x.y }}`,
		theirs: "exit 14", ours: "10.0.1.1 <&>",
	},
	{
		reason: "writeToFile takes effect once, with its data, and not on each pass (COMPAT Q30)",
		text:   `{{ writeToFile "written/a" "" "" "0600" "append,newline" (key "app/name") }}`,
		file:   "written/a",
		theirs: "\nrestencil\n", ours: "restencil\n",
	},
	{
		reason: "names of services and nodes may have blanks, colons and slashes, as in Consul",
		text:   `{{ service "we b" | len }}{{ service "größe:1" | len }}{{ connect "a/b" | len }}{{ with node "web 1" }}x{{ end }}`,
		theirs: "exit 14", ours: "000x",
	},
	{
		reason: "exact takes a name of data as it is",
		text:   `{{ keyOrDefault (exact "app/name@nowhere") "none" }}`,
		theirs: "exit 14", ours: "none",
	},
	{
		reason: "runaway recursion is an error, not a crash",
		text:   `{{ define "again" }}{{ executeTemplate "again" }}{{ end }}{{ executeTemplate "again" }}`,
		theirs: "exit 2", ours: "exit 14",
	},
	{
		reason: "a map that contains itself is an error where it is made, not a crash where it is printed",
		text:   `{{ $d := sprig_dict }}{{ sprig_set $d "itself" $d | len }}`,
		theirs: "1", ours: "exit 14",
	},
}

func TestDifferences(t *testing.T) {
	r := newRig(t)
	t.Run("an empty list that safeLs waits for may fill with -once too", r.safeListsComeRight)
	for _, d := range differences {
		t.Run(d.reason, func(t *testing.T) {
			t.Parallel()
			s := source{name: d.reason, text: d.text}
			if got := r.oracle.outcome(t, s, d.file); got != d.theirs {
				t.Errorf("consul-template: %q, want %q", got, d.theirs)
			}
			if got := r.ours.outcome(t, s, d.file); got != d.ours {
				t.Errorf("restencil: %q, want %q", got, d.ours)
			}
		})
	}
}

// outcome returns what a template is rendered to, or what it writes to file,
// or the exit code.
func (p program) outcome(t *testing.T, s source, file string) string {
	t.Helper()
	r := p.prepare(t, []source{s})
	end := p.once(t.Context(), r)
	if end.exit != 0 {
		return fmt.Sprint("exit ", end.exit)
	}
	if file == "" {
		file = out(0)
	}
	data, err := os.ReadFile(filepath.Join(r.dir, file))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// safeListsComeRight shows one more difference: with -once, consul-template
// asks for a list once, and where that was empty safeLs waits for ever.
func (r *rig) safeListsComeRight(t *testing.T) {
	t.Parallel()
	w := r.ours.startWaiting(t, []source{
		{name: "safeLs", text: `{{ range safeLs "list" }}{{ .Key }};{{ end }}`},
		{name: "safeTree", text: `{{ range safeTree "list/" }}{{ .Key }}={{ .Value }};{{ end }}`},
	})
	w.holdBack(t)
	put(t, r.agent.Client(), &api.KVPair{Key: "list/a", Value: []byte("1")})
	w.finish(t)
	for i, want := range []string{"a;", "a=1;"} {
		if got, _ := w.rendered(i); got != want {
			t.Errorf("%s: %q, want %q", w.sources[i+1].name, got, want)
		}
	}
}

// oursRenders match what consul-template says of made-up templates that only
// restencil renders, on purpose.
var oursRenders = []*regexp.Regexp{
	regexp.MustCompile(`(health.service|catalog.node): invalid format`),
	regexp.MustCompile(`wrong type for value; expected \[\]interface {}; got \[\]`), // containsAll and its kin
}

// onPurpose tells whether a pair differs as it should.
func onPurpose(p pair) bool {
	for _, theirs := range oursRenders {
		if p.got.ok && !p.want.ok && theirs.MatchString(p.want.text) {
			return true
		}
	}
	return false
}
