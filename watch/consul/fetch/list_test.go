package fetch

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/blocking"
)

var (
	prefix = watch.Query{Kind: watch.KVList, Name: "app"}
	anyWeb = watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "any"}
)

// A list is the body of a reply, as an agent sends it, element by element.
type list []string

func (l list) String() string { return "[" + strings.Join(l, ",") + "]" }

// with returns l with another element i.
func (l list) with(i int, element string) list {
	l = slices.Clone(l)
	l[i] = element
	return l
}

func pairElements(n int) list {
	var l list
	for i := range n {
		value := base64.StdEncoding.EncodeToString([]byte("value-" + strconv.Itoa(i)))
		l = append(l, fmt.Sprintf(`{"LockIndex":0,"Key":"app/team%02d/key%05d","Flags":0,"Value":%q,"CreateIndex":%d,"ModifyIndex":%d}`,
			i/500, i, value, i+10, i+20))
	}
	return l
}

func instanceElement(i int, output string) string {
	node, index := fmt.Sprintf("node%04d", i), uint64(i+10)
	element, _ := json.Marshal(&api.ServiceEntry{
		Node: &api.Node{ID: fmt.Sprintf("0c2b1f3e-0000-4000-8000-%012d", i), Node: node, Address: "10.0.0.1", Datacenter: "dc1",
			TaggedAddresses: map[string]string{"lan": "10.0.0.1", "wan": "10.0.0.1"}, Meta: map[string]string{"rack": "r1"},
			CreateIndex: index, ModifyIndex: index},
		Service: &api.AgentService{ID: "web-" + strconv.Itoa(i), Service: "web", Tags: []string{"v1", "blue"}, Port: 8000,
			Meta: map[string]string{"version": "1.2.3"}, Weights: api.AgentWeights{Passing: 1, Warning: 1},
			CreateIndex: index, ModifyIndex: index},
		Checks: api.HealthChecks{
			{Node: node, CheckID: "serfHealth", Name: "Serf Health Status", Status: "passing", Output: "Agent alive and reachable"},
			{Node: node, CheckID: "service:web", Name: "web", Status: "passing", Output: output, ServiceID: "web-" + strconv.Itoa(i), ServiceName: "web"},
		},
	})
	return string(element)
}

func instanceElements(n int) list {
	var l list
	for i := range n {
		l = append(l, instanceElement(i, "ok"))
	}
	return l
}

// An asker puts one query to an agent again and again.
type asker struct {
	t     testing.TB
	query watch.Query
	fetch func() (blocking.Reply, error)
	body  io.Reader // of the agent's next reply
}

func newAsker(t testing.TB, q watch.Query) *asker {
	a := &asker{t: t, query: q}
	c := newClient(t, func(*http.Request) (*http.Response, error) {
		resp, err := respond(200, "")
		resp.Body = io.NopCloser(a.body)
		return resp, err
	})
	kind := Requests{c}.ForKind(q.Kind, false)
	a.fetch = func() (r blocking.Reply, err error) {
		if r, err = kind.Fetch(t.Context(), blocking.Request{Query: q}); err != nil {
			r.Data = nil // it means nothing
		}
		return r, err
	}
	return a
}

// verify returns the data of a reply with this body, nil where it is an error,
// after comparing it with what the library makes of the body.
func (a *asker) verify(body string) any {
	a.t.Helper()
	want, problem := libraryList(a.query, body)
	a.body = strings.NewReader(body)
	r, err := a.fetch()
	if (err == nil) != (problem == nil) {
		a.t.Fatalf("%.100q: error %v, want %v", body, err, problem)
	}
	if diff := cmp.Diff(want, r.Data); diff != "" {
		a.t.Fatalf("%.100q (-want +got):\n%s", body, diff)
	}
	return r.Data
}

// libraryList returns what q's data is, decoded as the library does.
func libraryList(q watch.Query, body string) (any, error) {
	if q.Kind == watch.KVList {
		return convertAll(body, func(p *api.KVPair) (*watch.KeyPair, error) {
			if p == nil {
				return nil, blocking.ErrIncomplete
			}
			return &watch.KeyPair{
				Path: p.Key, Key: watch.RelativeKey(q.Name, p.Key), Value: string(p.Value), CreateIndex: p.CreateIndex,
				ModifyIndex: p.ModifyIndex, LockIndex: p.LockIndex, Flags: p.Flags, Session: p.Session,
			}, nil
		})
	}
	data, err := convertAll(body, func(e *api.ServiceEntry) (*watch.HealthService, error) {
		if e == nil || e.Node == nil || e.Service == nil || slices.Contains(e.Checks, nil) {
			return nil, blocking.ErrIncomplete
		}
		return watch.NewHealthService(e), nil
	})
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(data.([]*watch.HealthService), func(i *watch.HealthService) bool { return !watch.Accepts(q.Filter, i.Status) })
	watch.SortInstances(list)
	return list, nil
}

func convertAll[A, T any](body string, convert func(*A) (*T, error)) (any, error) {
	var entries []*A
	if err := json.NewDecoder(strings.NewReader(body)).Decode(&entries); err != nil {
		return nil, err
	}
	if entries == nil {
		return nil, blocking.ErrIncomplete
	}
	list := []*T{}
	for _, e := range entries {
		v, err := convert(e)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// TestListOdd: a body that is unusual, or no list, is to us what it is to the
// library; but null is an error.
func TestListOdd(t *testing.T) {
	nested := func(n int) string {
		return "[" + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + "]"
	}
	pairs := pairElements(3)
	for _, body := range []string{
		``, ` `, `]`, `null`, `{}`, `7`, `"a"`, `[`, `[]`, ` [ ] `, `[]]`, `[}`, `[,]`, `[{}]`, `[{},]`, `[,{}]`, `[{}{}]`, `[{}:{}]`, `[{}`, `[{},`, `[{}}`,
		`[null]`, `[7]`, `[[]]`, `[{"Key":"a"}`, `[{"Key":"a"]`, `[{"Key":"a"}]x`, `[{"Key":"a"},null]`, `[{"Key":"a"},x]`,
		`[{"Key":"a","Value":7}]`, `[{"Key":"a","Value":"!"}]`, `[{"Key":"a","Value":"QQ"}]`, `[{"Key":7}]`, `[{"Flags":-1}]`,
		`[{"Flags":18446744073709551615}]`, `[{"Flags":18446744073709551616}]`, `[{"Flags":null,"Key":null,"Session":null}]`,
		`[{"key":"a","FLAGS":3}]`, `[{"Key":"a","Key":"b","Value":"QQ==","Value":null}]`, `[{"Key":"\u00e9\"\\"}]`, "[{\"Key\":\"\xff\"}]",
		`[{"Key":"a","More":{"a":["}",{"b":"\\\""}]}}]`, `[{"Key":"a","Namespace":"n","Partition":"p","Session":"s"}]`,
		" [\n\t{ \"Key\" : \"app/a\" ,\r\n \"Value\" : \"QQ==\" , \"Flags\" : 7 } , { } ] ",
		nested(9_999), nested(10_001), pairs.String()[1:], pairs.String()[:len(pairs.String())-1], "[" + pairs[0] + pairs[1] + "]",
	} {
		newAsker(t, prefix).verify(body)
		newAsker(t, anyWeb).verify(body)
	}
}

// TestListBroken: a reply that breaks off is an error that holds the transport's.
func TestListBroken(t *testing.T) {
	broken := errors.New("connection reset")
	body := pairElements(2000).String()
	for _, n := range []int{0, 1, 5000, len(body) - 1} {
		a := newAsker(t, prefix)
		a.body = io.MultiReader(strings.NewReader(body[:n]), iotest.ErrReader(broken))
		if r, err := a.fetch(); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %+v, error %v", n, r, err)
		}
	}
}

// TestListConnection: a reply is read to its end, so that its connection is
// used again.
func TestListConnection(t *testing.T) {
	var connections atomic.Int32
	agent := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, pairElements(10))
		w.(http.Flusher).Flush()
		fmt.Fprint(w, strings.Repeat(" ", 10_000))
	}))
	agent.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	agent.Start()
	defer agent.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c := newClientOver(transport, agent.Listener.Addr().String())
	for range 3 {
		r, err := Requests{c}.prefix(t.Context(), blocking.Request{Query: prefix})
		check(t, err)
		if n := len(r.Data.([]*watch.KeyPair)); n != 10 {
			t.Fatalf("%d pairs", n)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestInstancesAgain: whatever becomes of a list, what comes again is the same
// value, also after a reply that was an error.
func TestInstancesAgain(t *testing.T) {
	const n = 20
	base, fresh := instanceElements(n), instanceElement(n, "fresh")
	reversed := slices.Clone(base)
	slices.Reverse(reversed)
	for _, test := range []struct {
		name string
		next list
		kept int // values that are those of base
	}{
		{"nothing", base, n},
		{"one changes", base.with(5, fresh), n - 1},
		{"one comes first", slices.Insert(slices.Clone(base), 0, fresh), n},
		{"one goes", slices.Delete(slices.Clone(base), 5, 6), n - 1},
		{"twice the same", base.with(3, base[4]), n},
		{"another order", reversed, n},
		{"all go", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAsker(t, anyWeb)
			before := a.verify(base.String()).([]*watch.HealthService)
			copied := slices.Clone(before)
			a.verify(base.String()[:1000])
			kept := 0
			for _, i := range a.verify(test.next.String()).([]*watch.HealthService) {
				if slices.Contains(before, i) {
					kept++
				}
			}
			if kept != test.kept {
				t.Errorf("%d values are as before, want %d", kept, test.kept)
			}
			if !slices.Equal(before, copied) {
				t.Error("the list that was given out has changed")
			}
		})
	}
}

// TestInstancesFiltered: those that the filter does not take are not decoded
// again either.
func TestInstancesFiltered(t *testing.T) {
	q := anyWeb
	q.Filter = "passing,warning"
	a := newAsker(t, q)
	up := func(i int, status string) string {
		return strings.ReplaceAll(instanceElement(i, "ok"), "passing", status)
	}
	before := a.verify(list{up(3, "passing"), up(1, "critical"), up(2, "warning")}.String()).([]*watch.HealthService)
	after := a.verify(list{up(3, "passing"), up(1, "passing"), up(2, "warning")}.String()).([]*watch.HealthService)
	if len(before) != 2 || len(after) != 3 || after[1] != before[0] || after[2] != before[1] {
		t.Errorf("first %v, then %v", before, after)
	}
}

// FuzzList: replies in a row are to us what they are to the library.
func FuzzList(f *testing.F) {
	pairs, instances := pairElements(3), instanceElements(2)
	f.Add(pairs.String(), "["+pairs[0]+"]"+pairs[1])
	f.Add(`[{"Key":"a"},{"Key":"b","Flags":1}]`, " [ {\"Key\": \"b\",\n\"Value\":null } , null ]")
	f.Add(instances.String(), instances.with(1, instanceElement(1, "new")).String())
	f.Fuzz(func(t *testing.T, first, second string) {
		for _, q := range []watch.Query{prefix, anyWeb} {
			a := newAsker(t, q)
			a.verify(first)
			a.verify(second)
			a.verify(first)
		}
	})
}

// BenchmarkInstances reads a large service of which one instance changes.
func BenchmarkInstances(b *testing.B) {
	instances := instanceElements(2000)
	bodies := [2]string{instances.String(), instances.with(900, instanceElement(900, "new")).String()}
	a := newAsker(b, watch.Query{Kind: watch.ServiceHealth, Name: "web"})
	b.ReportAllocs()
	for turn := 0; b.Loop(); turn++ {
		a.body = strings.NewReader(bodies[turn%2])
		_, err := a.fetch()
		check(b, err)
	}
}

// BenchmarkKeys reads a prefix with many keys.
func BenchmarkKeys(b *testing.B) {
	body := pairElements(10_000).String()
	a := newAsker(b, prefix)
	b.ReportAllocs()
	for b.Loop() {
		a.body = strings.NewReader(body)
		_, err := a.fetch()
		check(b, err)
	}
}
