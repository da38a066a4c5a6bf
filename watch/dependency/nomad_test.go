package dependency

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNomadVariable(t *testing.T) {
	meta := NomadVarMeta{Namespace: "n", Path: "app", CreateIndex: 1, ModifyIndex: 2, CreateTime: 3, ModifyTime: 4}
	v := NewNomadVariable(meta, map[string]string{"b": "2", "a": "1", "c": ""})
	if got := v.Metadata(); *got != meta {
		t.Errorf("Metadata() = %+v, want %+v", got, meta)
	}
	if v.Items["a"].Parent() != v || v.Items.Parent() != v || *v.Items.Metadata() != meta {
		t.Error("the items do not know their variable")
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, v.Items.Keys()); diff != "" {
		t.Errorf("Keys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1", "2", ""}, v.Items.Values()); diff != "" {
		t.Errorf("Values (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"a": "1", "b": "2", "c": ""}, v.Items.ItemsMap()); diff != "" {
		t.Errorf("ItemsMap (-want +got):\n%s", diff)
	}
	got, err := json.Marshal(v)
	want := `{"Namespace":"n","Path":"app","CreateIndex":1,"ModifyIndex":2,"CreateTime":3,"ModifyTime":4,"Items":{"a":"1","b":"2","c":""}}`
	if err != nil || string(got) != want {
		t.Errorf("in JSON %s, %v; want %s", got, err, want)
	}
}

func TestNomadVariableWithoutItems(t *testing.T) {
	var none NomadVarItems
	if none.Metadata() != nil || none.Parent() != nil || none.ItemsMap() != nil || len(none.Keys()) != 0 {
		t.Error("no items know something")
	}
	if _, err := none["x"].Metadata(); err == nil {
		t.Error("an item that does not exist has metadata")
	}
	if none["x"].String() != "" || none["x"].Parent() != nil {
		t.Error("an item that does not exist is not empty")
	}
}

// Values are written in Go's notation where that is JSON, else in JSON's.
func TestNomadVarItemJSON(t *testing.T) {
	for value, want := range map[string]string{
		"é\n\"\\": `"é\n\"\\"`,
		"\u00ad":  `"\u00ad"`,
		"\a\x00":  `"\u0007\u0000"`,
		"\xff":    `"\ufffd"`,
	} {
		got, err := NomadVarItem{Value: value}.MarshalJSON()
		if err != nil || string(got) != want {
			t.Errorf("%q in JSON is %s, %v; want %s", value, got, err, want)
		}
	}
}

func TestNanoTime(t *testing.T) {
	at := nanoTime(1_700_000_000_000_000_000)
	if !at.Time().Equal(time.Unix(1_700_000_000, 0)) || at.String() != at.Time().String() {
		t.Errorf("%d is %s", int64(at), at)
	}
	if text, _ := json.Marshal(at); string(text) != "1700000000000000000" {
		t.Errorf("in JSON %s", text)
	}
}
