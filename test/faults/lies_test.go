package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/servers"
)

// lies are what may stand between the daemon and the agent's word. No lie is
// told to who asks for a consistent answer in a way that only a healthy leader
// could give: such an answer is believed.
var lies = map[string]lie{
	"slow loris": func(w http.ResponseWriter, _ *http.Request, truth *reply, over <-chan struct{}) {
		truth.drip(w, over)
	},
	"truncated": func(w http.ResponseWriter, _ *http.Request, truth *reply, _ <-chan struct{}) {
		w.Header().Set("Content-Length", fmt.Sprint(len(truth.body)))
		truth.body = truth.body[:len(truth.body)/2]
		truth.write(w)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"half of the JSON": func(w http.ResponseWriter, _ *http.Request, truth *reply, _ <-chan struct{}) {
		truth.body = truth.body[:len(truth.body)/2]
		truth.write(w)
	},
	"malformed JSON": func(w http.ResponseWriter, _ *http.Request, truth *reply, _ <-chan struct{}) {
		truth.body = []byte(strings.ReplaceAll(string(truth.body), ":", "="))
		truth.write(w)
	},
	"null in lists": func(w http.ResponseWriter, _ *http.Request, truth *reply, _ <-chan struct{}) {
		truth.body = []byte("[null]")
		truth.write(w)
	},
	"another shape": func(w http.ResponseWriter, _ *http.Request, truth *reply, _ <-chan struct{}) {
		truth.body = []byte(`{"errors":["upstream timed out"]}`)
		truth.write(w)
	},
	"no body": func(w http.ResponseWriter, _ *http.Request, truth *reply, _ <-chan struct{}) {
		truth.body = nil
		truth.write(w)
	},
	"a web page":          instead(http.StatusOK, "<html><body>It works!</body></html>"),
	"nothing, no headers": instead(http.StatusOK, ""),
	"empty, no headers":   instead(http.StatusOK, "[]"),
	"null, no headers":    instead(http.StatusOK, "null"),
	"404, no headers":     instead(http.StatusNotFound, "404 page not found\n"),
	"403":                 instead(http.StatusForbidden, "Permission denied"),
	"500":                 instead(http.StatusInternalServerError, "No cluster leader"),
	"429":                 instead(http.StatusTooManyRequests, "Your IP is issuing too many concurrent connections"),
	"no leader": func(w http.ResponseWriter, r *http.Request, truth *reply, _ <-chan struct{}) {
		if consistent(r) {
			http.Error(w, "No cluster leader", http.StatusInternalServerError)
			return
		}
		truth.header.Set("X-Consul-KnownLeader", "false")
		truth.fewer().write(w)
	},
	"backwards": func(w http.ResponseWriter, r *http.Request, truth *reply, _ <-chan struct{}) {
		if !consistent(r) {
			truth.header.Set("X-Consul-Index", "2")
			truth.fewer()
		}
		truth.write(w)
	},
}

// paces says how long what an agent refuses, or whoever makes each reply doubtful, is let
// alone at most, by lie.
var paces = map[string]time.Duration{"403": time.Minute, "404, no headers": time.Minute, "429": time.Minute, "backwards": time.Minute}

// instead returns a lie that has nothing to do with the truth.
func instead(status int, body string) lie {
	return func(w http.ResponseWriter, _ *http.Request, _ *reply, _ <-chan struct{}) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func consistent(r *http.Request) bool { return r.URL.Query().Has("consistent") }

// fewer takes away all but the first element of a list, and of a key its being.
func (p *reply) fewer() *reply {
	var list []json.RawMessage
	if json.Unmarshal(p.body, &list) != nil || len(list) == 0 {
		return p
	}
	if len(list) == 1 {
		p.status, p.body = http.StatusNotFound, nil
		return p
	}
	p.body = fmt.Appendf(nil, "[%s]", list[0])
	return p
}

// The key's value before and after the change.
const honest, changed = "honest", "changed"

// doubted is a template that shows all that a lie could take away.
const doubted = `upstream web {
{{- range service "web" }}
  server {{ .Address }}:{{ .Port }};
{{- end }}
}
# {{ keyOrDefault "site/motto" "none" }} {{ range ls "site" }}{{ .Key }}={{ .Value }} {{ end }}
`

// doubtedFile is what that template is with n servers, and values that the
// key and the list of keys may have of different instants.
func doubtedFile(n int, key, listed string) string {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "  server 10.0.0.%d:%d;\n", i, 8000+i)
	}
	return fmt.Sprintf("upstream web {\n%s}\n# %s language=en motto=%s \n", &list, key, listed)
}

// TestLies has daemons hear each of the lies for a while, with a change in the
// middle. Their files never hold anything but the truth, of before or of now,
// and hold that of now soon after.
func TestLies(t *testing.T) {
	for name, what := range lies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testLie(t, what, paces[name])
		})
	}
}

func testLie(t *testing.T, what lie, pace time.Duration) {
	const n = 3
	agent := servers.Consul(t)
	c := agent.Client()
	for i := range n {
		register(t, c, "web", i)
	}
	put(t, c, "site/motto", honest)
	put(t, c, "site/language", "en")
	between := newLiar(t, agent.Addr())
	_, one := render(t, between.addr(), doubted)
	_, many := render(t, between.addr(), amongOthers(doubted), crowded...)
	files := []string{one, many}
	for _, file := range files {
		await.Eventually(t, await.Holds(file, doubtedFile(n, honest, honest)))
		sample(t, file, oneOf(mixtures(n)))
	}

	long := min(lasting(2*time.Second), 30*time.Second)
	between.tell(what)
	time.Sleep(long / 2) // the fault
	change(t, c, n)
	time.Sleep(long / 2)
	if between.lies() == 0 {
		t.Error("no lie was told")
	}
	between.tell(nil)
	for _, file := range files {
		await.Within(t, prompt()+pace, await.Holds(file, doubtedFile(n+1, changed, changed)))
	}
}

func change(t *testing.T, c *api.Client, n int) {
	t.Helper()
	register(t, c, "web", n)
	put(t, c, "site/motto", changed)
}

// mixtures returns each file whose parts are of before or of now. Answers to
// several questions need not be of one instant.
func mixtures(n int) []string {
	var all []string
	for _, servers := range []int{n, n + 1} {
		for _, key := range []string{honest, changed} {
			for _, listed := range []string{honest, changed} {
				all = append(all, doubtedFile(servers, key, listed))
			}
		}
	}
	return all
}

// oneOf returns a judge that knows all contents that may be.
func oneOf(contents []string) func(string) error {
	return func(content string) error {
		if slices.Contains(contents, content) {
			return nil
		}
		return errors.New("neither what was nor what is")
	}
}
