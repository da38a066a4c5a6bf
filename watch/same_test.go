package watch

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/hashicorp/consul/api"
)

// instances returns so many instances, with everything that the agent fills in.
func instances(n int) []*HealthService {
	list := make([]*HealthService, n)
	for i := range list {
		node := fmt.Sprintf("node-%d", i)
		list[i] = &HealthService{
			Node: node, NodeID: "id-" + node, NodeAddress: "10.0.0.1", Address: "10.0.0.1",
			NodeTaggedAddresses:    map[string]string{"lan": "10.0.0.1", "wan": "10.0.0.1"},
			NodeMeta:               map[string]string{"consul-network-segment": ""},
			ServiceMeta:            map[string]string{"version": "1"},
			ServiceTaggedAddresses: map[string]api.ServiceAddress{"lan": {Address: "10.0.0.1", Port: 80}},
			ID:                     fmt.Sprintf("web-%d", i), Name: "web", Tags: ServiceTags{"a", "b"},
			Status: "passing", Port: 80, Weights: api.AgentWeights{Passing: 1, Warning: 1},
			Checks: api.HealthChecks{
				{Node: node, CheckID: "serfHealth", Name: "Serf", Status: "passing", Output: "alive", ServiceTags: []string{}},
				{Node: node, CheckID: "service:web", Name: "http", Status: "passing", Output: "200 OK", ServiceTags: []string{"a", "b"}, ModifyIndex: 7},
			},
		}
	}
	return list
}

// clone returns a deep copy, made as a source makes it.
func clone[T any](t testing.TB, v T) T {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var c T
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// spoil calls try after a change of each field of the struct v, and undoes it.
func spoil(t *testing.T, v reflect.Value, name string, try func(field string)) {
	t.Helper()
	for i := range v.NumField() {
		f, field := v.Field(i), name+"."+v.Type().Field(i).Name
		was := reflect.ValueOf(f.Interface())
		switch f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Int, reflect.Int64:
			f.SetInt(f.Int() + 1)
		case reflect.Uint64:
			f.SetUint(f.Uint() + 1)
		case reflect.Bool:
			f.SetBool(!f.Bool())
		case reflect.Map, reflect.Slice:
			if f.IsNil() {
				f.Set(reflect.MakeMap(f.Type()))
			} else {
				f.SetZero()
			}
		case reflect.Struct:
			spoil(t, f, field, try)
			continue
		default:
			t.Fatalf("%s is a %s", field, f.Kind())
		}
		try(field)
		f.Set(was)
	}
}

// Whatever field is added to the values, a change of it is noticed.
func TestSameKnowsEachField(t *testing.T) {
	a := instances(2)
	b := clone(t, a)
	if !same(a, b) {
		t.Fatal("a copy differs")
	}
	noticed := func(field string) {
		if same(a, b) {
			t.Errorf("a change of %s was not noticed", field)
		}
	}
	spoil(t, reflect.ValueOf(b[1]).Elem(), "instance", noticed)
	spoil(t, reflect.ValueOf(b[0].Checks[1]).Elem(), "check", noticed)
	pair := &KeyPair{Path: "a", Key: "a", Value: "1"}
	other := clone(t, pair)
	spoil(t, reflect.ValueOf(other).Elem(), "pair", func(field string) {
		if same(pair, other) || same([]*KeyPair{pair}, []*KeyPair{other}) {
			t.Errorf("a change of %s was not noticed", field)
		}
	})
}

func TestSame(t *testing.T) {
	a, b := instances(1), instances(1)
	b[0].Checks[0].Output = "well"
	pair := &KeyPair{Key: "a"}
	tests := []struct {
		name     string
		old, new any
		want     bool
	}{
		{"both nothing", nil, nil, true},
		{"nothing and a pair", nil, pair, false},
		{"a pair that is no pair", (*KeyPair)(nil), pair, false},
		{"the same pair", pair, pair, true},
		{"empty and nil pairs", []*KeyPair{}, []*KeyPair(nil), false},
		{"more pairs", []*KeyPair{pair}, []*KeyPair{pair, pair}, false},
		{"an output", a, b, false},
		{"fewer instances", instances(2), a, false},
		{"no instances any more", a, []*HealthService{}, false},
		{"nil instances", []*HealthService{}, []*HealthService(nil), false},
		{"other types", "a", 1, false},
		{"equal texts", "a", "a", true},
	}
	for _, tt := range tests {
		if got := same(tt.old, tt.new); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// BenchmarkSame compares a service of which one instance has changed, as a
// source publishes it.
func BenchmarkSame(b *testing.B) {
	old := instances(2000)
	new := slices.Clone(old)
	new[1999] = clone(b, old[1999])
	for b.Loop() {
		same(old, new)
	}
}

func BenchmarkPublish(b *testing.B) {
	src := newFake()
	w := New(map[Store]Source{Consul: src})
	const n = 10000
	queries, answers := make([]Query, n), make([][2]Answer, n)
	for i := range queries {
		queries[i] = key(fmt.Sprint("key", i))
		for v := range answers[i] {
			answers[i][v].Data = &KeyPair{Path: queries[i].Name, Value: fmt.Sprint(v)}
		}
	}
	sinks := make([]Sink, n)
	for i, q := range queries {
		w.Watch(q.ID())
		sinks[i] = src.sinks[q]
	}
	for _, every := range []int{1, n} {
		b.Run(fmt.Sprintf("1 of %d new", every), func(b *testing.B) {
			turn := 0
			for b.Loop() {
				turn++
				for i, s := range sinks {
					v := turn % 2
					if i%every != 0 {
						v = 0
					}
					s.Publish(answers[i][v])
				}
				w.Take()
			}
		})
	}
}
