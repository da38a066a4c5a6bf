package consul

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"
)

func TestExtent(t *testing.T) {
	for text, want := range map[string]int{
		``: 0, `{`: 0, `[]`: 0, `"a"`: 0, `{}`: 2, `{},{}`: 2, `{"a":{}}}`: 8, `{"a":[{}]} `: 10,
		`{"}":1}`: 7, `{"\"}":1}`: 9, `{"\\"}`: 6, `{"a`: 0, `{"\"}`: 0, `{[}`: 0, `{"a":"}"`: 0,
		strings.Repeat("{", deepest) + strings.Repeat("}", deepest):     2 * deepest,
		strings.Repeat("{", deepest+1) + strings.Repeat("}", deepest+1): 0,
	} {
		if got := extent([]byte(text)); got != want {
			t.Errorf("extent(%.20q) = %d, want %d", text, got, want)
		}
	}
}

// FuzzExtent: an object has the extent that it has to encoding/json.
func FuzzExtent(f *testing.F) {
	f.Add(`{"a":["}",{"b":"\\\""}]} , 7`)
	f.Fuzz(func(t *testing.T, text string) {
		n := extent([]byte(text))
		var raw json.RawMessage
		d := json.NewDecoder(strings.NewReader(text))
		if d.Decode(&raw) != nil || text[0] != '{' {
			return // then n may be anything: what it measures is refused
		}
		if n != len(raw) && strings.Count(text, "{")+strings.Count(text, "[") <= deepest {
			t.Errorf("extent %d, want %d", n, len(raw))
		}
	})
}

// FuzzReadPair: what is read is what encoding/json reads.
func FuzzReadPair(f *testing.F) {
	for _, text := range []string{
		`{"LockIndex":0,"Key":"app/a","Flags":1,"Value":"QQ==","Session":"s","CreateIndex":1,"ModifyIndex":18446744073709551615}`,
		`{ "Key" : "a" , "Value" : null , "Namespace" : "n" , "Partition" : "p" } x`, `{"Key":"\u0000"}`, `{"Flags":0123}`,
	} {
		f.Add("app", text)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		got, n := readPair(name, []byte(text))
		if n == 0 {
			return
		}
		p := &api.KVPair{}
		if err := json.Unmarshal([]byte(text[:n]), p); err != nil {
			t.Fatalf("%q: %v", text[:n], err)
		}
		q := prefix
		q.Name = name
		if diff := cmp.Diff(newKeyPair(q, p), got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	})
}
