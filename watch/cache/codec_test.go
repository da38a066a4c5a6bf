package cache

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// populate makes v some value of its type, with nil and empty lists, maps and
// pointers in places.
func populate(random *rand.Rand, v reflect.Value) {
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Unix(random.Int64N(1<<32), random.Int64N(1e9)).In([]*time.Location{time.UTC, time.Local, time.FixedZone("", 3600)}[random.IntN(3)])))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(random.Uint64()))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(random.Uint64() >> (64 - v.Type().Bits()))
	case reflect.String:
		v.SetString([]string{"", "a", "é\x00\xff\n", "long text of no meaning"}[random.IntN(4)])
	case reflect.Pointer:
		if random.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			populate(random, v.Elem())
		}
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
	default:
		for i := range v.NumField() {
			populate(random, v.Field(i))
		}
	}
}

// TestAnswersComeBack: whatever a store answers, templates cannot tell what
// comes from the cache from what came from the store.
func TestAnswersComeBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for kind, typ := range kept() {
		t.Run(string(kind), func(t *testing.T) {
			comesBack(t, typ, nil)
			for range 200 {
				v := reflect.New(typ).Elem()
				populate(random, v)
				comesBack(t, typ, v.Interface())
			}
		})
	}
}

func comesBack(t *testing.T, typ reflect.Type, data any) {
	t.Helper()
	b, ok := encodeAnswer(data, typ)
	if !ok {
		t.Fatalf("%#v is not kept", data)
	}
	got, err := decodeAnswer(b, typ)
	if err != nil || !reflect.DeepEqual(got, data) {
		t.Fatalf("%#v came back as %#v, %v", data, got, err)
	}
	if again, _ := encodeAnswer(got, typ); !bytes.Equal(b, again) {
		t.Errorf("%#v was written as %q, then as %q", data, b, again)
	}
}

// TestAnswerOfAService is for people: what makes encoding/gob and
// encoding/json unfit.
func TestAnswerOfAService(t *testing.T) {
	comesBack(t, reflect.TypeFor[[]*watch.HealthService](), []*watch.HealthService{{
		Tags:     watch.ServiceTags{},
		NodeMeta: map[string]string{},
		Checks: api.HealthChecks{{
			ServiceTags: []string{},
			Definition:  api.HealthCheckDefinition{IntervalDuration: time.Second, Interval: api.ReadableDuration(time.Minute)},
		}},
	}})
	comesBack(t, reflect.TypeFor[[]*watch.KeyPair](), []*watch.KeyPair{})
	comesBack(t, reflect.TypeFor[[]*watch.KeyPair](), []*watch.KeyPair(nil))
}

// TestEveryKindIsDecidedOn: a new kind of query is kept, or is a secret.
func TestEveryKindIsDecidedOn(t *testing.T) {
	secret := map[watch.Kind]bool{
		watch.CALeafCert: true,
		watch.VaultRead:  true, watch.VaultWrite: true, watch.VaultList: true, watch.VaultPKI: true,
		watch.NomadVarGet: true, watch.NomadVarList: true,
	}
	all := []watch.Kind{
		watch.KVGet, watch.KVList, watch.ServiceHealth, watch.ConnectHealth, watch.ServiceList, watch.NodeServices, watch.NodeList,
		watch.DatacenterList, watch.CARootList, watch.CALeafCert, watch.PeeringList, watch.PartitionList, watch.ExportedServiceList,
		watch.ImportedServiceList, watch.FileContent, watch.VaultRead, watch.VaultWrite, watch.VaultList, watch.VaultPKI,
		watch.NomadServiceList, watch.NomadService, watch.NomadVarGet, watch.NomadVarList,
	}
	types := kept()
	for _, kind := range all {
		if (types[kind] != nil) == secret[kind] {
			t.Errorf("%s: kept: %v, secret: %v", kind, types[kind] != nil, secret[kind])
		}
	}
	if len(types)+len(secret) != len(all) {
		t.Errorf("%d kinds are kept, of %d", len(types), len(all))
	}
}

func TestLayout(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[any](), reflect.TypeFor[func()](), reflect.TypeFor[map[int]string](), reflect.TypeFor[struct{ hidden int }](),
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a %s could be kept", typ)
				}
			}()
			layout(typ)
		}()
	}
	if a, b := layout(reflect.TypeFor[*watch.Node]()), layout(reflect.TypeFor[*watch.CatalogNode]()); a == b {
		t.Errorf("two types are both %s", a)
	}
}

// FuzzFile: no bytes make the reading panic, or take much room.
func FuzzFile(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for kind, typ := range kept() {
		v := reflect.New(typ).Elem()
		populate(random, v)
		b, _ := encodeAnswer(v.Interface(), typ)
		c := content{Schema: "s", Records: []record{{Query: watch.Query{Kind: kind}, Answer: b}}}
		f.Add(string(kind), c.format()[len(content{}.format()):], b)
	}
	types := kept()
	f.Fuzz(func(t *testing.T, kind string, file, answer []byte) {
		parse(file)
		var c content
		if err := decode(file, reflect.ValueOf(&c).Elem()); err == nil {
			if err := decode(encode(nil, reflect.ValueOf(c)), reflect.ValueOf(new(content)).Elem()); err != nil {
				t.Errorf("what was read cannot be read again: %v", err)
			}
		}
		if typ := types[watch.Kind(kind)]; typ != nil {
			decodeAnswer(answer, typ)
		}
	})
}
