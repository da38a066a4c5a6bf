package status

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/template"
	"restencil/watch"
)

// What a person reads, at the default level and above, event by event.
// TestLog runs in a bubble, where no time passes.
func TestLog(t *testing.T) { synctest.Test(t, testLog) }

func testLog(t *testing.T) {
	key := watch.Query{Kind: watch.KVGet, Name: "a"}
	events := []event.Event{
		event.Rendered{Template: "a.ctmpl", Destination: "a", Change: renderer.Replaced, Warnings: []error{errors.New("could not backup \"a\"")}},
		event.Waiting{
			Template: "a.ctmpl",
			For: []event.Missing{
				{Query: key, At: template.Position{Name: "a.ctmpl", Line: 3, Column: 4, Expr: `key "a"`}, Since: time.Now(), Reason: "it does not exist"},
				{Query: key, At: template.Position{Name: "a.ctmpl"}, Since: time.Now(), Reason: "no answer yet"},
			},
			More: 7,
		},
		event.Waiting{
			Template: "a.ctmpl", Destination: "/etc/a", Rendered: true,
			For: []event.Missing{
				{Query: key, At: template.Position{Name: "a.ctmpl", Line: 3, Column: 4, Expr: `key "a"`}, Since: time.Now(), Reason: "it does not exist", Gone: true},
				{Query: key, At: template.Position{Name: "a.ctmpl"}, Since: time.Now(), Reason: "it does not exist"},
			},
		},
		event.Exposed{Template: "a.ctmpl", Destination: "/etc/a", Mode: 0o644},
		event.Failed{Err: errors.New("a.ctmpl:1:2: no")},
		event.Recovered{Template: "a.ctmpl", Destination: "a"},
		event.CommandStarted{Args: []string{"reload"}},
		event.CommandFailed{Args: []string{"reload", "-x"}, Err: errors.New("no"), Output: "why\n", RetryIn: 1234 * time.Millisecond},
		event.StoreAway{Store: watch.Consul, Err: errors.New("refused")},
		event.StoreBack{Store: watch.Consul, Away: 12 * time.Second},
		event.StoreAway{Store: watch.Consul, Part: "datacenter dc2", Err: errors.New("no path")},
		event.StoreBack{Store: watch.Consul, Part: "datacenter dc2", Away: time.Second},
		event.QueryFailing{Query: key, Err: errors.New("kv.get(a): 500"), More: 3},
		event.QueryAnswered{Query: key},
		event.QueryRefused{Query: key, Err: errors.New("kv.get(a): 403")},
		event.ChildStarted{Args: []string{"app"}, Process: 42},
		event.ChildKilled{Args: []string{"app", "-x"}, After: 30*time.Second + time.Millisecond},
		event.ChildEnded{Args: []string{"app"}, Code: 3},
		event.ChildEnded{Args: []string{"app"}, Code: 255, Signal: "killed", RetryIn: time.Second},
		event.ChildEnded{Args: []string{"app"}, Code: 127, Err: errors.New("child: no"), RetryIn: time.Second},
	}
	var out strings.Builder
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelWarn,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	log := Log(logger)
	for _, e := range events {
		log(e)
	}
	want := `level=WARN msg="could not backup \"a\"" component=runner
level=WARN msg="waiting for 0s: a.ctmpl:3:4: {{ key \"a\" }} needs kv.get(a): it does not exist" component=runner
level=WARN msg="waiting for 0s: a.ctmpl needs kv.get(a): no answer yet" component=runner
level=WARN msg="a.ctmpl waits for 7 more" component=runner
level=WARN msg="a.ctmpl:3:4: {{ key \"a\" }} needs kv.get(a), which has gone: it does not exist; \"/etc/a\" stays as it was, and a restart would wait for it" component=runner
level=WARN msg="a.ctmpl needs kv.get(a): it does not exist; \"/etc/a\" stays as it was, and a restart would wait for it" component=runner
level=WARN msg="\"/etc/a\" holds secrets, and everybody on this machine can read it (mode 0644): give its template other perms, such as 0640, or set secret_perms for all such files" component=runner
level=ERROR msg="a.ctmpl:1:2: no; keeping the old file" component=runner
level=WARN msg="a.ctmpl => a is right again" component=runner
level=ERROR msg="\"reload -x\" failed: no; trying again in 1.2s; the end of its output:\nwhy" component=runner
level=WARN msg="no answers from consul, keeping the last good files and trying on: refused" component=runner
level=WARN msg="consul answers again, after 12s" component=runner
level=WARN msg="no answers from consul, datacenter dc2, keeping the last good files and trying on: no path" component=runner
level=WARN msg="consul, datacenter dc2 answers again, after 1s" component=runner
level=WARN msg="no answer, keeping the last one and trying on: kv.get(a): 500 (and 3 more queries)" component=runner
level=WARN msg="kv.get(a) has an answer again" component=runner
level=WARN msg="kv.get(a): 403" component=runner
level=WARN msg="killing what is left of \"app -x\" after 30s" component=child
level=WARN msg="\"app\" ended with exit code 255 (killed); starting it again in 1s" component=child
level=WARN msg="child: no; starting it again in 1s" component=child
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
