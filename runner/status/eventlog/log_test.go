package eventlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/process"
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
		event.Failed{Template: "a.ctmpl", Destination: "/etc/a", Err: errors.New("a.ctmpl:1:2: no"), Attempt: 1, RetryIn: time.Second},
		event.Recovered{Template: "a.ctmpl", Destination: "/etc/a", Failures: 2},
		event.Rendered{Template: "a.ctmpl", Destination: "/etc/a", Change: renderer.Replaced, Drifted: true},
		event.CommandStarted{Args: []string{"reload"}},
		event.CommandFailed{Args: []string{"reload", "-x"}, Err: errors.New("no"), Output: "why\n", Attempt: 3, RetryIn: 1234 * time.Millisecond},
		event.CommandDone{Args: []string{"reload", "-x"}, Took: time.Second, Failures: 3},
		event.BundleFailed{Bundle: "b", Step: event.Check, Err: exited(2), Output: "why", Kept: "/var/b", Attempt: 2, RetryIn: time.Minute, Held: true},
		event.BundleHeld{Bundle: "b", Reason: "check failed", Reported: true},
		event.BundleFailed{Bundle: "b", Step: event.Verify, Err: exited(0), RolledBack: true, Attempt: 1, RetryIn: time.Second},
		event.BundleHeld{Bundle: "b", Reason: "b would be empty"},
		event.BundleReleased{Bundle: "b"},
		event.Recovered{Bundle: "b", Failures: 1},
		event.JournalFailed{Err: errors.New("no room")},
		event.JournalRecovered{},
		event.Failed{Template: "a.ctmpl", Destination: "/etc/a", Err: errors.New("a.ctmpl:1:2: no"), Attempt: 2, RetryIn: time.Second, Again: true},
		event.StoreAway{Store: watch.Consul, Err: errors.New("refused")},
		event.StoreBack{Store: watch.Consul, Away: 12 * time.Second},
		event.StoreAway{Store: watch.Consul, Part: "datacenter dc2", Err: &watch.Error{Query: key, Err: errors.New("no path")}},
		event.StoreBack{Store: watch.Consul, Part: "datacenter dc2", Away: time.Second},
		event.StoreBack{Store: watch.Consul, Part: "datacenter dc3", Away: time.Second, Unasked: true},
		event.QueryFailing{Query: key, Err: &watch.Error{Query: key, Err: errors.New("500")}, More: 3},
		event.QueryAnswered{Query: key},
		event.QueryRefused{Query: key, Err: &watch.Error{Query: key, Err: errors.New("403")}},
		event.ChildStarted{Args: []string{"app"}, Process: 42},
		event.ChildKilled{Args: []string{"app", "-x"}, After: 30*time.Second + time.Millisecond},
		event.ChildEnded{Args: []string{"app"}, Code: 3},
		event.ChildEnded{Args: []string{"app"}, Code: 255, Signal: "killed", Attempt: 1, RetryIn: time.Second},
		event.ChildEnded{Args: []string{"app"}, Code: 127, Err: errors.New("child: no"), Attempt: 2, RetryIn: time.Second},
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
	log := Log(logger, Options{})
	for _, e := range events {
		log(e)
	}
	want := `level=WARN msg="could not backup \"a\"" component=runner template=a.ctmpl destination=a
level=WARN msg="a.ctmpl: waited 0s for consul key a: it does not exist (a.ctmpl:3:4: {{ key \"a\" }})" component=runner template=a.ctmpl query=kv.get(a) cause="it does not exist"
level=WARN msg="a.ctmpl: waited 0s for consul key a: no answer yet (a.ctmpl)" component=runner template=a.ctmpl query=kv.get(a) cause="no answer yet"
level=WARN msg="a.ctmpl: waits for 7 more" component=runner template=a.ctmpl
level=WARN msg="/etc/a: needs consul key a, which has gone: it does not exist (a.ctmpl:3:4: {{ key \"a\" }}; the file stays as it is; a restart would wait for it)" component=runner template=a.ctmpl destination=/etc/a query=kv.get(a) cause="it does not exist"
level=WARN msg="/etc/a: needs consul key a: it does not exist (a.ctmpl; the file stays as it is; a restart would wait for it)" component=runner template=a.ctmpl destination=/etc/a query=kv.get(a) cause="it does not exist"
level=WARN msg="/etc/a: holds secrets, and everybody on this machine can read it: its mode is 0644 (set perms = \"0640\" in its template, or secret_perms for all such files)" component=runner template=a.ctmpl destination=/etc/a
level=ERROR msg="/etc/a: not rendered: a.ctmpl:1:2: no (the file stays as it is; attempt 1, retry in 1s)" component=runner template=a.ctmpl destination=/etc/a attempt=1 retry_in=1s cause="a.ctmpl:1:2: no"
level=ERROR msg="/etc/a: works again, after 2 failures" component=runner template=a.ctmpl destination=/etc/a
level=WARN msg="/etc/a: put right: somebody else had changed or removed it" component=runner template=a.ctmpl destination=/etc/a
level=ERROR msg="\"reload -x\": failed: no (attempt 3, retry in 1.2s)" component=runner command="reload -x" attempt=3 retry_in=1.2s cause=no output="why\n"
level=ERROR msg="\"reload -x\": works again, after 3 failures: ran in 1s" component=runner command="reload -x"
level=ERROR msg="b: check failed: \"c\": exit status 2 (the files stay as they are; the rejected files are in /var/b; attempt 2, retry in 1m0s; held, to try it now: restencil accept b)" component=runner bundle=b exit_code=2 attempt=2 retry_in=1m0s cause="\"c\": exit status 2" output=why
level=ERROR msg="b: verify failed: \"c\": exit status 0 (the old files are back; attempt 1, retry in 1s)" component=runner bundle=b attempt=1 retry_in=1s cause="\"c\": exit status 0"
level=WARN msg="b: change held: b would be empty (the files stay as they are; to make it all the same: restencil accept b)" component=runner bundle=b cause="b would be empty"
level=WARN msg="b: no change is held any more" component=runner bundle=b
level=ERROR msg="b: works again, after 1 failure" component=runner bundle=b
level=WARN msg="state directory: no room (rendering goes on; after a crash a command may be run again)" component=runner cause="no room"
level=WARN msg="state directory: it can be used again" component=runner
level=WARN msg="consul: no answers: refused (the files stay as they are; retrying)" component=runner cause=refused
level=WARN msg="consul: answers again, after 12s" component=runner
level=WARN msg="consul, datacenter dc2: no answers: consul key a: no path (the files stay as they are; retrying)" component=runner cause="consul key a: no path"
level=WARN msg="consul, datacenter dc2: answers again, after 1s" component=runner
level=WARN msg="consul, datacenter dc3: nothing waits for its answers any more, after 1s" component=runner
level=WARN msg="consul key a: no answer: 500 (an earlier answer, if any, stays in use; retrying; 3 more queries fail)" component=runner query=kv.get(a) cause="kv.get(a): 500"
level=WARN msg="consul key a: answers again" component=runner query=kv.get(a)
level=WARN msg="consul key a: refused: 403 (an earlier answer, if any, stays in use; retrying)" component=runner query=kv.get(a) cause="kv.get(a): 403"
level=WARN msg="\"app -x\": killed: it did not end within 30s" component=child command="app -x"
level=WARN msg="\"app\": ended: signal: killed (attempt 1, starting it again in 1s)" component=child command=app exit_code=255 attempt=1 retry_in=1s
level=WARN msg="\"app\": ended: child: no (attempt 2, starting it again in 1s)" component=child command=app exit_code=127 attempt=2 retry_in=1s
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// exited is an error of a command with this exit code.
func exited(code int) error {
	return fmt.Errorf("\"c\": exit status %d%w", code, &process.CommandError{ExitCode: code})
}

// Why a file was rendered, at info, as restencil and as consul-template word it.
func TestLogCauses(t *testing.T) {
	key, list := watch.Query{Kind: watch.KVGet, Name: "a"}, watch.Query{Kind: watch.ServiceHealth, Name: "web"}
	e := event.Rendered{Template: "a.ctmpl", Destination: "/etc/a", Change: renderer.Replaced}
	first, changed := e, e
	first.First = true
	changed.Causes, changed.More = []watch.ID{key.ID(), list.ID()}, 2
	for _, test := range []struct {
		options Options
		event   event.Rendered
		want    string
	}{
		{Options{}, first, "rendered /etc/a: first time since the start"},
		{Options{}, changed, "rendered /etc/a: consul key a, consul service web, 2 more changed"},
		{Options{Local: true}, changed, "rendered /etc/a: key a, service web, 2 more changed"},
		{Options{}, e, "rendered /etc/a: its template or configuration changed, or it was executed again"},
		{Options{ConsulTemplate: true}, changed, `rendered "a.ctmpl" => "/etc/a"`},
	} {
		var out strings.Builder
		Log(slog.New(slog.NewJSONHandler(&out, nil)), test.options)(test.event)
		var line struct{ Msg string }
		if err := json.Unmarshal([]byte(out.String()), &line); err != nil || line.Msg != test.want {
			t.Errorf("%v, %s\nwant %q", err, out.String(), test.want)
		}
	}
}
