package requester

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/agent"
	"restencil/test/watchtest"
	"restencil/watch"
)

// TestAttemptsAreCounted: where they are, there are as many as consul-template
// makes, as far apart, and no more.
func TestAttemptsAreCounted(t *testing.T) {
	const queries = 3
	for _, test := range []struct {
		name        string
		trouble     func(*http.Request) (*http.Response, error)
		least, most int // requests in all
	}{
		{"refused", broken("dial tcp 127.0.0.1:8500: connect: connection refused"), 13, queries + 12}, // when all have found out, one tries for all
		{"no leader", leaderless, queries * 13, queries * 13},
		{"denied", func(*http.Request) (*http.Response, error) { return agent.Respond(403, "Permission denied") }, queries * 14, queries * 14}, // the first is confirmed
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := DefaultOptions()
				o.Retry.Attempts = 12
				s, st := runStub(t, o, test.trouble)
				sinks := watchMany(t, s, queries)
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if n := attempts(sinks); n != 12 {
					t.Errorf("%d attempts within five minutes, want 12", n)
				}
				time.Sleep(4 * time.Second)
				synctest.Wait()
				if n := attempts(sinks); n != 13 {
					t.Errorf("%d attempts after that, want 13", n)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if n := len(st.Requests()); n < test.least || n > test.most {
					t.Errorf("%d requests in all, want %d to %d", n, test.least, test.most)
				}
			})
		})
	}
}

// TestAttemptsOfOthersAreTold: the last attempt may be made by what has nobody to tell,
// such as the witness. Whoever waits meanwhile, or comes later, hears that none is left.
func TestAttemptsOfOthersAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := DefaultOptions()
		o.Retry.Attempts = 1
		s, _ := runStub(t, o, func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return nil, errors.New("connection refused")
		})
		s.group.Go(func() { s.agent.Witness(s.ctx, s.requests.ForKind(watch.NodeList, false).Fetch) })
		time.Sleep(pollInterval + time.Second + o.Retry.Base + time.Second/2)
		meanwhile := watchKey(t, s) // the witness makes its second attempt, which is the last
		time.Sleep(time.Hour)
		s.Unwatch(key)
		later := watchKey(t, s)
		time.Sleep(time.Hour)
		synctest.Wait()
		for when, r := range map[string]*watchtest.Recorder{"meanwhile": meanwhile, "later": later} {
			if n := attempts([]*watchtest.Recorder{r}); n != 2 {
				t.Errorf("who comes %s hears of %d attempts, want 2", when, n)
			}
		}
	})
}

// attempts returns the most attempts that a sink was told of.
func attempts(sinks []*watchtest.Recorder) int {
	most := 0
	for _, r := range sinks {
		for i, e := range r.Events() {
			most = max(most, i+1)
			var told *watch.Error
			if errors.As(e.Err, &told) {
				most = max(most, told.Attempts)
			}
		}
	}
	return most
}
