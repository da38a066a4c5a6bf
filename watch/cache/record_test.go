package cache

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// kept has a value of the type of each kind's answers.
var kept = map[watch.Kind]any{
	watch.KVGet:               (*watch.KeyPair)(nil),
	watch.KVList:              []*watch.KeyPair(nil),
	watch.ServiceHealth:       []*watch.HealthService(nil),
	watch.ConnectHealth:       []*watch.HealthService(nil),
	watch.ServiceList:         []*watch.CatalogSnippet(nil),
	watch.NodeServices:        (*watch.CatalogNode)(nil),
	watch.NodeList:            []*watch.Node(nil),
	watch.DatacenterList:      []string(nil),
	watch.CARootList:          []*watch.CARoot(nil),
	watch.PeeringList:         []*watch.Peering(nil),
	watch.PartitionList:       []*watch.Partition(nil),
	watch.ExportedServiceList: []watch.ExportedService(nil),
	watch.ImportedServiceList: []watch.ImportedService(nil),
}

// populate makes v some value of its type that a store may answer, with nil and
// empty lists and maps in places.
func populate(random *rand.Rand, v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(random.Int64N(1<<32), random.Int64N(1e9)).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(random.Uint64()))
	case reflect.Uint64:
		v.SetUint(random.Uint64())
	case reflect.String:
		v.SetString([]string{"", "a", "é\x00<&\u2028\n", "long text of no meaning"}[random.IntN(4)])
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		populate(random, v.Elem())
	case reflect.Slice:
		if n := random.IntN(5) - 1; n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				populate(random, v.Index(i))
			}
		}
	case reflect.Map:
		if n := random.IntN(5) - 1; n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				key, element := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				populate(random, key)
				populate(random, element)
				v.SetMapIndex(key, element)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			populate(random, v.Field(i))
		}
		if d, ok := v.Addr().Interface().(*api.HealthCheckDefinition); ok { // whose decoder sets both
			d.IntervalDuration, d.TimeoutDuration = time.Duration(d.Interval), time.Duration(d.Timeout)
			d.DeregisterCriticalServiceAfterDuration = time.Duration(d.DeregisterCriticalServiceAfter)
		}
	default:
		panic(v.Type().String())
	}
}

// TestAnswersComeBack: whatever a store answers, templates cannot tell what
// comes from the cache from what came from the store.
func TestAnswersComeBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for kind, zero := range kept {
		t.Run(string(kind), func(t *testing.T) {
			comesBack(t, kind, nil)
			for range 200 {
				v := reflect.New(reflect.TypeOf(zero)).Elem()
				populate(random, v)
				comesBack(t, kind, v.Interface())
			}
		})
	}
	for _, value := range []string{"", "text", "\xff\x00é\xfe"} {
		p := &watch.KeyPair{Path: "a/b", Key: "b", Value: value}
		comesBack(t, watch.KVGet, p)
		comesBack(t, watch.KVList, []*watch.KeyPair{p, {}})
	}
}

func comesBack(t *testing.T, kind watch.Kind, data any) {
	t.Helper()
	at := time.Unix(1_700_000_000, 123).UTC()
	want := entry{Query: watch.Query{Kind: kind, Name: "n"}, Used: at, Data: data, Index: 7, Time: at}
	b, left := format([]entry{want}, "here", 1<<20)
	got, err := parse(b, "here")
	if err != nil || len(got) != 1 || len(left) > 0 || !reflect.DeepEqual(got[0], want) {
		t.Fatalf("%v, %d left; %s: (-want +got):\n%s", err, len(left), b, cmp.Diff([]entry{want}, got))
	}
}

// TestEveryKindIsDecidedOn: a new kind of query is kept, or is a secret, or is
// not of Consul.
func TestEveryKindIsDecidedOn(t *testing.T) {
	not := []watch.Kind{
		watch.CALeafCert, watch.FileContent,
		watch.VaultRead, watch.VaultWrite, watch.VaultList, watch.VaultPKI,
		watch.NomadServiceList, watch.NomadService, watch.NomadVarGet, watch.NomadVarList,
	}
	for _, kind := range not {
		if decoder(kind) != nil {
			t.Errorf("%s is kept", kind)
		}
	}
	for kind := range kept {
		if decoder(kind) == nil {
			t.Errorf("%s is not kept", kind)
		}
	}
	if n := len(kept) + len(not); n != 23 {
		t.Errorf("%d kinds", n)
	}
}

// TestSchema: what is in the file changes together with the number of its
// schema.
func TestSchema(t *testing.T) {
	var all strings.Builder
	fmt.Fprintln(&all, layout(reflect.TypeFor[header]()), layout(reflect.TypeFor[entry]()))
	for _, kind := range []watch.Kind{
		watch.KVGet, watch.ServiceHealth, watch.ServiceList, watch.NodeServices, watch.NodeList, watch.DatacenterList, watch.CARootList,
		watch.PeeringList, watch.PartitionList, watch.ExportedServiceList, watch.ImportedServiceList,
	} {
		fmt.Fprintln(&all, kind, layout(reflect.TypeOf(kept[kind])))
	}
	const known = "3 83d429b8a460"
	if got := fmt.Sprintf("%d %.6x", schema, sha256.Sum256([]byte(all.String()))); got != known {
		t.Errorf("schema and types are %q, not %q: is it another schema?\n%s", got, known, all.String())
	}
}

// layout returns what JSON makes of a type.
func layout(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return "[" + layout(t.Elem()) + "]"
	case reflect.Map:
		return "{" + layout(t.Elem()) + "}"
	case reflect.Struct:
		var b strings.Builder
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				fmt.Fprintf(&b, "%s %s %s;", f.Name, layout(f.Type), f.Tag.Get("json"))
			}
		}
		return "{" + b.String() + "}"
	}
	return t.Kind().String()
}

// FuzzParse: no bytes make the reading panic.
func FuzzParse(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for kind, zero := range kept {
		v := reflect.New(reflect.TypeOf(zero)).Elem()
		populate(random, v)
		b, _ := format([]entry{{Query: watch.Query{Kind: kind}, Data: v.Interface()}}, "", 1<<20)
		f.Add(b)
	}
	f.Add([]byte(`{"Schema":3}` + "\n" + `{"Query":{"Kind":"kv.list"},"Data":[null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parse(b, "")
		if err != nil {
			return
		}
		if b, left := format(list, "", 1<<20); len(left) == 0 {
			if again, err := parse(b, ""); err != nil || len(again) != len(list) {
				t.Errorf("what was read cannot be read again: %d, %v", len(again), err)
			}
		}
	})
}
