package nomad

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/consul"
	"restencil/watch/dependency"
)

func TestConformance(t *testing.T) {
	for name, set := range map[string]func(f *fakeNomad, broken bool){
		"hangs up":  (*fakeNomad).hangUp,
		"no leader": refusing(http.StatusInternalServerError, "No cluster leader"),
		"refuses":   refusing(http.StatusForbidden, "Permission denied"),
		"too many":  refusing(http.StatusTooManyRequests, "Your IP is issuing too many concurrent connections"),
	} {
		t.Run(name, func(t *testing.T) {
			watchtest.Run(t, func(t *testing.T) watchtest.Harness { return harness(t, set, DefaultOptions().MaxConnections) })
		})
	}
	t.Run("polled", func(t *testing.T) {
		watchtest.Run(t, func(t *testing.T) watchtest.Harness {
			h := harness(t, (*fakeNomad).hangUp, 4)
			h.Requests = nil
			for _, q := range h.Others[4:] {
				h.Source.Watch(watch.Subscription{ID: q.ID(), Sink: watchtest.NewRecorder(t)})
			}
			h.Others = h.Others[:4]
			return h
		})
	})
}

func refusing(status int, text string) func(*fakeNomad, bool) {
	return func(f *fakeNomad, broken bool) {
		f.fail(nil)
		if broken {
			f.fail(respond(status, text))
		}
	}
}

func harness(t *testing.T, set func(f *fakeNomad, broken bool), connections int) watchtest.Harness {
	f := newFakeNomad(t)
	f.server.Start()
	o := f.options()
	o.MaxConnections = connections
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := watchtest.Harness{
		Source:   s,
		Query:    varQuery("app"),
		Set:      func(value string) { f.put("app", map[string]string{"v": value}) },
		Delete:   func() { f.delete("app") },
		Value:    value,
		Break:    func() { set(f, true) },
		Heal:     func() { set(f, false) },
		Requests: func() int { return f.requests("/v1/var/app") },
	}
	for i := range 8 {
		h.Others = append(h.Others, varQuery(fmt.Sprint("other/", i)))
	}
	return h
}

// value returns the item v of a variable.
func value(data any) (string, bool) {
	items, ok := watch.Reveal(data).(watch.NomadVarItems)
	return items["v"].Value, ok
}

// run runs a source until the test ends.
func run(t *testing.T, o Options) *consul.Source {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	runSource(t, s)
	return s
}

func runSource(t *testing.T, s *consul.Source) {
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { s.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
}

// first returns the first event of q.
func first(t *testing.T, s *consul.Source, q watch.Query) watchtest.Event {
	t.Helper()
	r := watchtest.NewRecorder(t)
	s.Watch(watch.Subscription{ID: q.ID(), Sink: r})
	return r.Wait("answer to "+q.String(), 10*time.Second, func(events []watchtest.Event) bool { return len(events) > 0 })[0]
}

func TestAnswers(t *testing.T) {
	f := newFakeNomad(t)
	f.server.Start()
	f.put("nomad/jobs/web", map[string]string{"user": "app"})
	f.bodies["/v1/services"] = `[
		{"Namespace": "default", "Services": [{"ServiceName": "web", "Tags": ["green", "blue"]}, {"ServiceName": "db", "Tags": []}]},
		{"Namespace": "other", "Services": [{"ServiceName": "hidden"}]}]`
	f.bodies["/v1/service/web"] = `[
		{"ID": "i1", "ServiceName": "web", "NodeID": "n1", "Address": "10.0.0.1", "Port": 8080, "Datacenter": "dc1",
			"Tags": ["green", "a=b"], "JobID": "j", "AllocID": "a"},
		{"ID": "i2", "ServiceName": "web", "Tags": null}]`
	s := run(t, f.options())
	web := &watch.NomadServiceInstance{
		ID: "i1", Name: "web", Node: "n1", Address: "10.0.0.1", Port: 8080, Datacenter: "dc1",
		Tags: watch.ServiceTags{"a=b", "green"}, JobID: "j", AllocID: "a",
	}
	meta := watch.NomadVarMeta{
		Namespace: "default", Path: "nomad/jobs/web", CreateIndex: 11, ModifyIndex: 11,
		CreateTime: 1_700_000_000_000_000_000, ModifyTime: 1_700_000_000_000_000_000,
	}
	for _, c := range []struct {
		query watch.Query
		want  any
		asked string
	}{
		{watch.Query{Kind: watch.NomadServiceList}, []*watch.NomadServicesSnippet{
			{Name: "db", Tags: watch.ServiceTags{}}, {Name: "web", Tags: watch.ServiceTags{"blue", "green"}},
		}, "/v1/services?"},
		{watch.Query{Kind: watch.NomadServiceList, Datacenter: "north"}, []*watch.NomadServicesSnippet{
			{Name: "db", Tags: watch.ServiceTags{}}, {Name: "web", Tags: watch.ServiceTags{"blue", "green"}},
		}, "/v1/services?region=north&"},
		{watch.Query{Kind: watch.NomadService, Name: "web"}, []*watch.NomadServiceInstance{web, {ID: "i2", Name: "web", Tags: watch.ServiceTags{}}}, "/v1/service/web?"},
		{watch.Query{Kind: watch.NomadService, Name: "web", Tag: "a=b", Params: "2|key"}, []*watch.NomadServiceInstance{web}, "/v1/service/web?choose=2%7Ckey&"},
		{watch.Query{Kind: watch.NomadService, Name: "nosuch"}, []*watch.NomadServiceInstance{}, "/v1/service/nosuch?"},
		{varQuery("nomad/jobs/web"), dependency.NewNomadVariable(meta, map[string]string{"user": "app"}).Items, "/v1/var/nomad/jobs/web?namespace=default&"},
		{watch.Query{Kind: watch.NomadVarGet, Name: "x", Namespace: "team", Datacenter: "north"}, nil, "/v1/var/x?namespace=team&region=north&"},
		{watch.Query{Kind: watch.NomadVarList}, []*watch.NomadVarMeta{&meta}, "/v1/vars?namespace=default&"},
		{watch.Query{Kind: watch.NomadVarList, Name: "none", Namespace: "*"}, []*watch.NomadVarMeta{}, "/v1/vars?namespace=%2A&prefix=none&"},
	} {
		before := len(f.asked())
		e := first(t, s, c.query)
		if e.Err != nil {
			t.Errorf("%s: %v", c.query, e.Err)
		}
		if e.Answer.Index == 0 {
			t.Errorf("%s: the answer has no index", c.query)
		}
		if _, tainted := e.Answer.Data.(watch.Tainted); tainted != (c.query.Kind == watch.NomadVarGet && c.want != nil) {
			t.Errorf("%s: tainted: %t", c.query, tainted)
		}
		if diff := cmp.Diff(c.want, watch.Reveal(e.Answer.Data), cmp.Comparer(func(a, b watch.NomadVarItem) bool {
			return a.Key == b.Key && a.Value == b.Value && *a.Parent().Metadata() == *b.Parent().Metadata()
		})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.query, diff)
		}
		if !slices.ContainsFunc(f.asked()[before:], func(r *http.Request) bool {
			got := r.URL.String()
			return strings.HasPrefix(got, c.asked) && strings.Contains(got, "stale=&wait=") && !r.Form.Has("index")
		}) {
			t.Errorf("%s: did not ask for %s…stale=&wait=…", c.query, c.asked)
		}
	}
}

// TestScope: what the options say is for queries that name nothing else. The address has no
// path, as for consul-template.
func TestScope(t *testing.T) {
	f := newFakeNomad(t)
	f.server.Start()
	o := f.options()
	o.Address += "/ui"
	o.Namespace, o.Region = "team", "south"
	o.Token, o.Username, o.Password = "the-token", "user", "pass"
	s := run(t, o)
	first(t, s, watch.Query{Kind: watch.NomadService, Name: "web"})
	first(t, s, varQuery("x"))
	for _, r := range f.asked() {
		user, password, _ := r.BasicAuth()
		got := []string{r.FormValue("namespace"), r.FormValue("region"), r.Header.Get("X-Nomad-Token"), user, password}
		if !strings.HasPrefix(r.URL.Path, "/v1/") {
			t.Error(r.URL)
		}
		if diff := cmp.Diff([]string{"team", "south", "the-token", "user", "pass"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.URL, diff)
		}
	}
}

// TestRefused: the failure says which right is missing, and shows no token.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		query      watch.Query
		token      string
		text, want string
	}{
		{varQuery("nomad/jobs/web"), "s3cret", "Permission denied",
			`Unexpected response code: 403 (Permission denied) (Nomad does not know the token, or its policies do not grant namespace "default" { variables { path "nomad/jobs/web" { capabilities = ["read"] } } })`},
		{watch.Query{Kind: watch.NomadVarList, Name: "a/", Namespace: "team"}, "s3cret", "Permission denied",
			`namespace "team" { variables { path "a/*" { capabilities = ["list"] } } }`},
		{watch.Query{Kind: watch.NomadService, Name: "web"}, "s3cret", "Permission denied", `namespace "default" { capabilities = ["read-job"] }`},
		{watch.Query{Kind: watch.NomadServiceList}, "", "Permission denied", "there is no token: set NOMAD_TOKEN or nomad { token = … } to one with"},
		{watch.Query{Kind: watch.NomadServiceList, Cluster: "eu"}, "", "Permission denied", `there is no token: set nomad "eu" { token = … } to one with`},
		{varQuery("x"), "s3cret", "token not found: s3cret", "token not found: ***"},
	} {
		f := newFakeNomad(t)
		f.server.Start()
		f.fail(respond(http.StatusForbidden, c.text))
		o := f.options()
		o.Token = c.token
		err := first(t, run(t, o), c.query).Err
		if err == nil || !strings.Contains(err.Error(), c.want) || watch.Classify(err) != watch.Denied || strings.Contains(err.Error(), "not found: s3cret") {
			t.Errorf("%v (%d), want %s", err, watch.Classify(err), c.want)
		}
	}
}

// TestNotNomad: what answers is another server.
func TestNotNomad(t *testing.T) {
	for body, want := range map[string]string{
		"<html>":                 "what answered is not Nomad: it sent a web page (check the address)",
		"[]":                     "what answered is not Nomad: there is no index (check the address)",
		"404 page not found":     "404",
		`[{"Services": [{}]}]x}`: "", // what follows is ignored
	} {
		f := newFakeNomad(t)
		f.server.Start()
		f.fail(func(w http.ResponseWriter, _ *http.Request) bool {
			if body[0] == '4' {
				w.WriteHeader(http.StatusNotFound)
			}
			fmt.Fprint(w, body)
			return true
		})
		e := first(t, run(t, f.options()), watch.Query{Kind: watch.NomadServiceList})
		if want == "" && e.Err != nil || want != "" && (e.Err == nil || !strings.Contains(e.Err.Error(), want)) {
			t.Errorf("%s: %v, want %q", body, e.Err, want)
		}
	}
}

// TestRedirect: Nomad redirects a path that is not clean. The token goes to no other host.
func TestRedirect(t *testing.T) {
	f := newFakeNomad(t)
	f.server.Start()
	f.put("a/b", map[string]string{"v": "one"})
	elsewhere := strings.Replace(f.server.URL, "127.0.0.1", "localhost", 1)
	f.fail(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/v1/var/elsewhere" && r.Host == f.server.Listener.Addr().String():
			http.Redirect(w, r, elsewhere+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		case strings.Contains(r.URL.Path, "//"):
			r.URL.Path = path.Clean(r.URL.Path)
			http.Redirect(w, r, r.URL.String(), http.StatusTemporaryRedirect)
		default:
			return false
		}
		return true
	})
	o := f.options()
	o.Token = "s3cret"
	s := run(t, o)
	if e := first(t, s, varQuery("a//b")); e.Err != nil {
		t.Error(e.Err)
	} else if got, _ := value(e.Answer.Data); got != "one" {
		t.Errorf("the variable has %q", got)
	}
	first(t, s, varQuery("elsewhere"))
	for _, r := range f.asked() {
		if (r.Header.Get("X-Nomad-Token") != "") != strings.HasPrefix(r.Host, "127.0.0.1") {
			t.Errorf("%s%s got the token %q", r.Host, r.URL, r.Header.Get("X-Nomad-Token"))
		}
	}
}

func TestNotAQueryForNomad(t *testing.T) {
	f := newFakeNomad(t)
	f.server.Start()
	if err := first(t, run(t, f.options()), watch.Query{Kind: watch.KVGet, Name: "x"}).Err; watch.Classify(err) != watch.Invalid {
		t.Error(err)
	}
}

// TestManyQueries: beyond the connections that an agent accepts, queries are read again
// and again, and all follow.
func TestManyQueries(t *testing.T) {
	const connections, queries = 10, 40
	f := newFakeNomad(t)
	var mu sync.Mutex
	open := make(map[net.Conn]bool)
	f.server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch s {
		case http.StateNew:
			open[c] = true
			if len(open) > connections {
				t.Errorf("%d connections", len(open))
			}
		case http.StateClosed, http.StateHijacked:
			delete(open, c)
		}
	}
	f.server.Start()
	o := f.options()
	o.MaxConnections = connections
	s := run(t, o)
	recorders := make([]*watchtest.Recorder, queries)
	for i := range recorders {
		recorders[i] = watchtest.NewRecorder(t)
		s.Watch(watch.Subscription{ID: varQuery(fmt.Sprint(i)).ID(), Sink: recorders[i]})
	}
	for i := range recorders {
		f.put(fmt.Sprint(i), map[string]string{"v": "new"})
	}
	for i, r := range recorders {
		r.Wait(fmt.Sprint("change of ", i), 20*time.Second, func(events []watchtest.Event) bool {
			if len(events) == 0 {
				return false
			}
			got, _ := value(events[len(events)-1].Answer.Data)
			return got == "new"
		})
	}
	var blocking int
	for _, how := range s.Inspect().Kept {
		if how == "a blocking query of its own" {
			blocking++
		}
	}
	if blocking != connections*4/5 {
		t.Errorf("%d blocking queries", blocking)
	}
}

func TestUnixSocket(t *testing.T) {
	f := newFakeNomad(t)
	dir := t.TempDir()
	t.Chdir(dir)
	socket := filepath.Join(dir, "api.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	f.server.Listener.Close()
	f.server.Listener = l
	f.server.Start()
	f.put("app", map[string]string{"v": "one"})
	for _, path := range []string{socket, "./api.sock", "api.sock"} {
		o := f.options()
		o.Address = "unix://" + path
		if e := first(t, run(t, o), varQuery("app")); e.Err != nil {
			t.Errorf("%s: %v", o.Address, e.Err)
		}
	}
}

func TestTLS(t *testing.T) {
	f := newFakeNomad(t)
	f.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.server.StartTLS()
	f.put("app", map[string]string{"v": "one"})
	o := f.options()
	o.Address = f.server.URL
	if err := first(t, run(t, o), varQuery("app")).Err; err == nil || !strings.Contains(err.Error(), "ca_cert") {
		t.Errorf("without the authority: %v", err)
	}
	o.TLS.CACert = filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.server.Certificate().Raw})
	if err := os.WriteFile(o.TLS.CACert, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	if e := first(t, run(t, o), varQuery("app")); e.Err != nil {
		t.Error(e.Err)
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"":                         "",
		"127.0.0.1:4646":           "",
		"http://nomad:4646/ui/":    "",
		"unix:///secrets/api.sock": "",
		"ftp://nomad":              "must begin with http://",
		"http://":                  "names no host",
		"http://user:pw@nomad":     "must not hold a user name or password",
		"http://nomad:port":        "not a URL",
	} {
		o := DefaultOptions()
		o.Address = address
		_, err := New(o)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pw")) {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
	o := DefaultOptions()
	o.Address, o.TLS.CACert = "https://nomad", "/nosuch"
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "nomad: configuring TLS failed: Error loading CA File: open /nosuch") {
		t.Error(err)
	}
}
