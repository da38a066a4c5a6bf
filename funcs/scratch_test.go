package funcs

import "testing"

func TestScratch(t *testing.T) {
	runStoreTests(t, fakeExecution{}, []storeTest{
		{text: `{{ scratch.Set "a" 1 }}{{ scratch.Get "a" }}{{ scratch.Key "a" }}{{ scratch.Key "b" }}`, want: `1truefalse`},
		{text: `{{ scratch.Get "b" }}`, want: `<no value>`},
		{text: `{{ scratch.Set "a" 1 }}{{ scratch.Set "a" 2 }}{{ scratch.Get "a" }}`, want: `2`},
		{text: `{{ scratch.SetX "a" 1 }}{{ scratch.SetX "a" 2 }}{{ scratch.Get "a" }}`, want: `1`},
		{text: `{{ scratch.Set "a" nil }}{{ scratch.Key "a" }}{{ scratch.SetX "a" 2 }}{{ scratch.Get "a" }}`, want: `true<no value>`},
		{text: `{{ scratch.MapSet "m" "k2" 2 }}{{ scratch.MapSet "m" "k1" 1 }}{{ scratch.MapSetX "m" "k1" 9 }}{{ scratch.MapSetX "m" "k3" 3 }}` +
			`{{ scratch.MapValues "m" }}`, want: `[1 2 3]`},
		{text: `{{ scratch.MapSet "m" "k" 1 }}{{ scratch.MapSet "m" "k" 2 }}{{ scratch.Get "m" }}`, want: `map[k:2]`},
		{text: `{{ scratch.Set "m" (dict "b" 1 "a" 2) }}{{ scratch.MapSet "m" "c" 3 }}{{ scratch.MapValues "m" }}`, want: `[2 1 3]`},
		{text: `{{ scratch.MapValues "m" | toJSON }}`, want: `null`},
		{text: `{{ scratch.Set "m" 1 }}{{ scratch.MapValues "m" | toJSON }}`, want: `null`},
		{text: `{{ scratch.Set "a" 1 }}{{ scratch.MapSet "a" "b" 1 }}`, fail: `"a" is not a map`},
		{text: `{{ scratch.Set "a" nil }}{{ scratch.MapSetX "a" "b" 1 }}`, fail: `"a" is not a map`},
		{text: `{{ scratch.MapSet "m" "k" 1 }}{{ scratch.MapSet "m" "m" (scratch.Get "m") }}`, fail: "a map must not contain itself"},
		{text: `{{ scratch.MapSet "m" "k" 1 }}{{ scratch.MapSetX "m" "m" (sprig_list (scratch.Get "m")) }}`, fail: "a map must not contain itself"},
		{text: `{{ scratch.Drop "a" }}`, fail: `can't evaluate field Drop`},
	})
}

// What one execution leaves there the next does not find.
func TestScratchIsNewForEachExecution(t *testing.T) {
	p, err := parseTest(`{{ scratch.Key "a" }}{{ scratch.Set "a" 1 }}`)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := p.render(); err != nil || got != "false" {
			t.Errorf("rendered %q, %v", got, err)
		}
	}
}
