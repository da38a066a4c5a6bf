package consul

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// A lesson puts one query to a stub again and again, with one memory.
type lesson struct {
	t      testing.TB
	query  watch.Query
	memory *memory
	client *api.Client
	body   io.Reader
	index  string
}

func newLesson(t testing.TB, q watch.Query) *lesson {
	l := &lesson{t: t, query: q, memory: &memory{}, index: "7"}
	c, err := api.NewClient(&api.Config{Address: "consul.test:8500", HttpClient: &http.Client{Transport: line{base: roundTrip(l.answer)}}})
	check(t, err)
	l.client = c
	return l
}

func (l *lesson) answer(*http.Request) (*http.Response, error) {
	resp, err := respond(200, "", index(l.index)...)
	if l.body == nil {
		resp.StatusCode = 404
	} else {
		resp.Body = io.NopCloser(l.body)
	}
	return resp, err
}

// ask returns the reply to a request that waits for something newer than
// since, where the agent sends this body.
func (l *lesson) ask(body string, since uint64) (reply, error) {
	l.body = strings.NewReader(body)
	return l.fetch(since, l.memory)
}

func (l *lesson) fetch(since uint64, m *memory) (reply, error) {
	kind, _ := kindOf(l.query.Kind)
	o := &api.QueryOptions{WaitIndex: since}
	return kind.fetch(l.client, l.query, o.WithContext(l.t.Context()), m)
}

// want returns what the library makes of a body, with nothing remembered, and
// the error text, "" for none.
func want(q watch.Query, body string) (any, string) {
	switch q.Kind {
	case watch.KVList:
		return decoded(body, func(p *api.KVPair) (*watch.KeyPair, error) {
			if p == nil {
				return nil, errIncomplete
			}
			return newKeyPair(q, p), nil
		})
	default:
		data, problem := decoded(body, newInstance)
		if problem != "" {
			return nil, problem
		}
		list := slices.DeleteFunc(data.([]*watch.HealthService), func(i *watch.HealthService) bool {
			return !watch.Accepts(q.Filter, i.Status)
		})
		watch.SortInstances(list)
		return list, ""
	}
}

func decoded[A, T any](body string, convert func(*A) (*T, error)) (any, string) {
	var entries []*A
	if err := json.NewDecoder(strings.NewReader(body)).Decode(&entries); err != nil {
		return nil, err.Error()
	}
	if entries == nil {
		return nil, errIncomplete.Error()
	}
	list := []*T{}
	for _, e := range entries {
		v, err := convert(e)
		if err != nil {
			return nil, err.Error()
		}
		list = append(list, v)
	}
	return list, ""
}

// verify asks and compares with what the library makes of the body.
func (l *lesson) verify(body string) any {
	l.t.Helper()
	data, problem := want(l.query, body)
	r, err := l.ask(body, 0)
	switch {
	case err != nil && err.Error() != problem:
		l.t.Fatalf("error %q, want %q, for %q", err, problem, body)
	case err == nil && problem != "":
		l.t.Fatalf("no error, want %q, for %q", problem, body)
	case err == nil:
		if diff := cmp.Diff(data, r.data); diff != "" {
			l.t.Fatalf("%q (-want +got):\n%s", body, diff)
		}
	}
	return r.data
}

var (
	prefix = watch.Query{Kind: watch.KVList, Name: "app"}
	anyWeb = watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "any"}
)

// TestListSteps: whatever becomes of a list, what did not change stays the
// same value.
func TestListSteps(t *testing.T) {
	const n = 100
	fresh := func(i int) string { return pairElement(i, "fresh") }
	base := pairElements(n)
	many := make(list, 0, n)
	for i := range n {
		many = append(many, fresh(1000+i))
	}
	shuffled := append(list(nil), base...)
	rand.Shuffle(n, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for _, test := range []struct {
		name string
		next list
		kept int // values that are those of base
	}{
		{"nothing", base, n},
		{"one changes", base.with(50, fresh(50)), n - 1},
		{"the first and the last change", base.with(0, fresh(0)).with(n-1, fresh(n-1)), n - 2},
		{"ten in a row change", slices.Replace(slices.Clone(base), 50, 60, many[:10]...), n - 10},
		{"every second changes", everySecond(base, fresh), n / 2},
		{"all change", many, 0},
		{"one comes", slices.Insert(slices.Clone(base), 50, fresh(50)), n},
		{"one comes first", slices.Insert(slices.Clone(base), 0, fresh(0)), n},
		{"one comes last", append(slices.Clone(base), fresh(n)), n},
		{"one goes", slices.Delete(slices.Clone(base), 50, 51), n - 1},
		{"the first goes", base[1:], n - 1},
		{"a few go", slices.Delete(slices.Clone(base), 50, 53), n - 3},
		{"two change places", base.with(3, base[4]).with(4, base[3]), n},
		{"twice the same", base.with(3, base[4]), n},
		{"many come", slices.Insert(slices.Clone(base), 50, many...), n},
		{"many go", slices.Delete(slices.Clone(base), 10, 90), 20},
		{"another order", shuffled, n},
		{"all go", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLesson(t, prefix)
			before := l.verify(base.String()).([]*watch.KeyPair)
			copied := slices.Clone(before)
			after := l.verify(test.next.String()).([]*watch.KeyPair)
			kept := 0
			for _, p := range after {
				if slices.Contains(before, p) {
					kept++
				}
			}
			// How much is kept of a list that has changed everywhere is of no matter
			// until it has been noticed.
			if least := test.kept - lostAtFirst(test.name); kept < least || kept > test.kept {
				t.Errorf("%d values are as before, want %d to %d", kept, least, test.kept)
			}
			if !slices.Equal(before, copied) {
				t.Error("the list that was given out has changed")
			}
			again := l.verify(test.next.String()).([]*watch.KeyPair)
			if len(again) > 0 && &again[0] != &after[0] {
				t.Error("the same reply is another list")
			}
		})
	}
}

// lostAtFirst returns how many elements are decoded before a list is taken for
// another one.
func lostAtFirst(step string) int {
	if step == "another order" || step == "many go" {
		return patience + 1
	}
	return 0
}

func everySecond(l list, fresh func(int) string) list {
	for i := 0; i < len(l); i += 2 {
		l = l.with(i, fresh(i))
	}
	return l
}

// TestListInstances: instances are chosen and ordered by what they are, and
// the others are remembered too.
func TestListInstances(t *testing.T) {
	q := anyWeb
	q.Filter = "passing,warning"
	l := newLesson(t, q)
	up := func(i int, status string) string {
		return strings.ReplaceAll(instanceElement(i, "ok"), "passing", status)
	}
	before := l.verify(list{up(3, "passing"), up(1, "critical"), up(2, "warning")}.String()).([]*watch.HealthService)
	after := l.verify(list{up(3, "passing"), up(1, "passing"), up(2, "warning")}.String()).([]*watch.HealthService)
	if len(before) != 2 || len(after) != 3 || after[1] != before[0] || after[2] != before[1] {
		t.Errorf("first %v, then %v", before, after)
	}
}

// TestListOdd: what is no list of plain objects is what the library makes of
// it, but for null, and what was known before stays known.
func TestListOdd(t *testing.T) {
	base := pairElements(3)
	for _, body := range []string{
		``, ` `, `]`, `null`, `{}`, `7`, `"a"`, `[`, `[]`, ` [ ] `, `[]]`, `[,]`, `[{}]`, `[{},]`, `[,{}]`, `[{}{}]`, `[{}`, `[{},`,
		`[null]`, `[7]`, `[[]]`, `[{"Key":"a"}`, `[{"Key":"a"]`, `[{"Key":"a"}]x`, `[{"Key":"a"},null]`, `[{"Key":"a"},x]`,
		`[{"Key":"a","Value":7}]`, `[{"Key":"a","Value":"!"}]`, `[{"Key":"a","Value":"QQ"}]`, `[{"Key":7}]`, `[{"Flags":-1}]`,
		`[{"Flags":1.5}]`, `[{"Flags":01}]`, `[{"Flags":18446744073709551615}]`, `[{"Flags":18446744073709551616}]`, `[{"Flags":1e2}]`,
		`[{"Flags":""}]`, `[{"Flags":null,"Key":null,"Session":null}]`, `[{"key":"a","FLAGS":3}]`, `[{"Key":"a","Key":"b","Value":"QQ==","Value":null}]`,
		`[{"Key":"\u00e9\"\\"}]`, `[{"Key":"é"}]`, "[{\"Key\":\"\xff\"}]", "[{\"Key\":\"a\n\"}]", `[{"Key":"a","Value":"Q\nQ=="}]`,
		"[{\"Key\":\"a\",\"Value\":\"QQ=\n=\"}]", `[{"Key":"a","More":{"a":["}",{"b":"\\\""}]}}]`, `[{"Key":"a",}]`, `[{,"Key":"a"}]`,
		`[{"Key":"a" "Flags":1}]`, `[{"Key" "a"}]`, `[{"Key":}]`, `[{"Key":"a","Namespace":"n","Partition":"p","Session":"s"}]`,
		`[{"Key":"a","Namespace":7}]`, `[{"Value":"nullx"}]`, `[{"Value":nullx}]`, `[{"Value":nul`, `[{"Key":"a"`, `[{"Key":"a`, `[{"Key":"a\`,
		" [\n\t{ \"Key\" : \"app/a\" ,\r\n \"Value\" : \"QQ==\" , \"Flags\" : 7 } , { } ] ",
		"[" + strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000) + "]",
		"[" + strings.Repeat(`{"a":`, 9_999) + "1" + strings.Repeat("}", 9_999) + "]",
		"[" + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000) + "]",
		base.String()[1:], base.String()[:len(base.String())-1], "[" + base[0] + base[1] + "]", "[" + base[0] + "}," + base[1] + "]",
	} {
		l := newLesson(t, prefix)
		before := l.verify(base.String()).([]*watch.KeyPair)
		l.verify(body)
		after := l.verify(base.String()).([]*watch.KeyPair)
		if _, problem := want(prefix, body); problem != "" && after[0] != before[0] {
			t.Errorf("%.100q: what was known is forgotten", body)
		}
	}
}

// TestListBroken: a reply that breaks off is the error that the transport has,
// and what was known stays known.
func TestListBroken(t *testing.T) {
	broken := errors.New("connection reset")
	base := pairElements(2000)
	l := newLesson(t, prefix)
	before := l.verify(base.String()).([]*watch.KeyPair)
	for _, n := range []int{0, 1, 5000, len(base.String())} {
		l.body = io.MultiReader(strings.NewReader(base.String()[:n]), iotest.ErrReader(broken))
		if r, err := l.fetch(0, l.memory); err != broken {
			t.Errorf("after %d bytes: %+v, error %v", n, r, err)
		}
	}
	if after := l.verify(base.String()).([]*watch.KeyPair); &after[0] != &before[0] {
		t.Error("what was known is forgotten")
	}
}

// TestListSince: a reply that comes with the index that the request waited on
// is what is known; but not where what is known is something else, or where
// the request did not wait: an index means nothing to a store that was lost
// meanwhile.
func TestListSince(t *testing.T) {
	one, two := list{pairElement(1, "one")}.String(), list{pairElement(1, "two")}.String()
	value := func(l *lesson, body, index string, since uint64) string {
		l.index = index
		r, err := l.ask(body, since)
		check(t, err)
		return r.data.([]*watch.KeyPair)[0].Value
	}
	l := newLesson(t, prefix)
	for _, step := range []struct {
		body, index string
		since       uint64
		want        string
	}{
		{one, "7", 0, "one"},
		{two, "7", 7, "one"},
		{two, "7", 0, "two"},
		{one, "8", 7, "one"},
		{two, "7", 7, "two"},
		{one, "7", 7, "two"},
		{one, "0", 0, "one"},
		{two, "0", 0, "two"},
	} {
		if got := value(l, step.body, step.index, step.since); got != step.want {
			t.Fatalf("%+v: got %q", step, got)
		}
	}
	// A reply that is not remembered does not leave the one before it standing.
	for _, body := range []string{"", "[]"} {
		value(l, one, "7", 0)
		for _, since := range []uint64{0, 7} {
			l.body = strings.NewReader(body)
			if body == "" {
				l.body = nil // not found
			}
			r, err := l.fetch(since, l.memory)
			check(t, err)
			if list := r.data.([]*watch.KeyPair); list == nil || len(list) != 0 {
				t.Errorf("no keys: %v", list)
			}
		}
	}
}

// TestListIndented: white space does not keep a list from being remembered.
func TestListIndented(t *testing.T) {
	indented := func(l list) string {
		var b bytes.Buffer
		check(t, json.Indent(&b, []byte(l.String()), "", "    "))
		b.WriteByte('\n')
		return b.String()
	}
	l, base := newLesson(t, prefix), pairElements(10)
	before := l.verify(indented(base)).([]*watch.KeyPair)
	after := l.verify(indented(base.with(5, pairElement(5, "new")))).([]*watch.KeyPair)
	for i := range base {
		if (before[i] == after[i]) != (i != 5) {
			t.Errorf("pair %d: %+v, then %+v", i, before[i], after[i])
		}
	}
}

// TestListCollision: bytes that have the hash of others are not taken for them.
func TestListCollision(t *testing.T) {
	l := newLesson(t, prefix)
	l.verify(pairElements(100).String())
	other := []byte(pairElement(7, "other"))
	f := finder[watch.KeyPair]{page: l.memory.pairs.last, misses: patience + 1, seed: maphash.MakeSeed()}
	f.places = map[uint64]int{maphash.Bytes(f.seed, other): 50}
	if e, ok := f.find(other); ok {
		t.Errorf("found %+v", e.value)
	}
}

// TestListRoom: what is held on to is bounded by the last replies.
func TestListRoom(t *testing.T) {
	l := newLesson(t, prefix)
	long := pairElements(5000).String()
	for range 2 {
		l.verify(long)
	}
	held := func() int { return cap(l.memory.pairs.last.body) + cap(l.memory.pairs.spare.body) }
	if most := 3 * len(long); held() > most {
		t.Errorf("%d bytes are held for bodies of %d", held(), len(long))
	}
	if room := cap(l.memory.pairs.last.body); room > len(long)+len(long)/8+2*smallestRoom {
		t.Errorf("the second body of %d bytes has room for %d", len(long), room)
	}
	for i := range 3 {
		l.verify(list{pairElement(1, strconv.Itoa(i))}.String())
	}
	if most := 4 * smallestRoom; held() > most {
		t.Errorf("%d bytes are held for small bodies", held())
	}
}

// TestListWithoutLine: without the source's transport, it is the library that
// decodes.
func TestListWithoutLine(t *testing.T) {
	c, err := api.NewClient(&api.Config{Address: "consul.test:8500", HttpClient: &http.Client{Transport: roundTrip(
		func(*http.Request) (*http.Response, error) {
			return respond(200, pairElements(2).String(), index("7")...)
		})}})
	check(t, err)
	for range 2 {
		r, err := fetchPrefix(c, prefix, (&api.QueryOptions{}).WithContext(t.Context()), nil)
		check(t, err)
		if list := r.data.([]*watch.KeyPair); len(list) != 2 || list[1].Value != "value-1" || r.index != 7 {
			t.Errorf("got %+v", r)
		}
	}
}

// FuzzList: two replies in a row are what the library makes of them, or the
// errors that it has.
func FuzzList(f *testing.F) {
	pairs, instances := pairElements(3), instanceElements(2)
	f.Add(pairs.String(), pairs.with(1, pairElement(1, "new")).String())
	f.Add(pairs.String(), "["+pairs[0]+"]"+pairs[1])
	f.Add(`[{"Key":"a"},{"Key":"b","Flags":1}]`, " [ {\"Key\": \"b\",\n\"Value\":null } , null ]")
	f.Add(instances.String(), instances.with(1, instanceElement(1, "new")).String())
	f.Fuzz(func(t *testing.T, first, second string) {
		for _, q := range []watch.Query{prefix, anyWeb} {
			l := newLesson(t, q)
			l.verify(first)
			l.verify(second)
			l.verify(first)
		}
	})
}

// FuzzListEdits: any row of changes to a list, of which each byte is one,
// gives what the library makes of it.
func FuzzListEdits(f *testing.F) {
	f.Add([]byte{3, 200, 17, 90, 45})
	f.Fuzz(func(t *testing.T, edits []byte) {
		l, elements := newLesson(t, prefix), pairElements(40)
		for n, e := range edits[:min(len(edits), 20)] {
			i := int(e) % (len(elements) + 1)
			switch fresh := pairElement(n, "fresh"); {
			case e < 80 && i < len(elements):
				elements = elements.with(i, fresh)
			case e < 120:
				elements = slices.Insert(slices.Clone(elements), i, fresh)
			case e < 160 && i < len(elements):
				elements = slices.Delete(slices.Clone(elements), i, i+1)
			case e < 200:
				elements = append(slices.Clone(elements[i:]), elements[:i]...)
			default:
				elements = slices.Insert(slices.Clone(elements), i, pairElements(20 + n)[n:]...)
			}
			l.verify(elements.String())
		}
	})
}
