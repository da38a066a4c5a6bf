package funcs

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// uniq gives what sprig's own gives.
func TestSprigUniq(t *testing.T) {
	library := sprig.HermeticTxtFuncMap()["uniq"].(func(any) []any)
	values := []any{
		nil, true, false, 0, 1, int64(1), 1.0, 0.0, math.Copysign(0, -1), math.NaN(), math.Inf(1), "", "a", "1", uint8(1), 'a',
		[]any{}, []any(nil), []any{1}, []any{1.0}, []string{"a"}, map[string]any{}, map[string]any{"a": []any{nil}}, any(nil),
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		list := make([]any, rng.IntN(40))
		for i := range list {
			list[i] = values[rng.IntN(len(values))]
		}
		if diff := cmp.Diff(library(list), sprigUniq(t, list), cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("%v (-sprig +ours):\n%s", list, diff)
		}
	}
	for _, list := range []any{[]string{"b", "a", "b"}, []int{}, []string(nil), [2]int{1, 1}} {
		if diff := cmp.Diff(library(list), sprigUniq(t, list)); diff != "" {
			t.Errorf("%v (-sprig +ours):\n%s", list, diff)
		}
	}
}

func sprigUniq(t *testing.T, list any) []any {
	t.Helper()
	unique, err := sprigMustUniq(list)
	if err != nil {
		t.Fatal(err)
	}
	return unique
}

func TestSprigUniqIsBounded(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ len (sprig_uniq (sprig_until 200000)) }}`, want: "200000"},
		{text: `{{ sprig_uniq 1 }}`, fail: "cannot find uniq on type int"},
		{text: `{{ sprig_mustUniq nil }}`, fail: "cannot find uniq on type invalid"},
	})
	lists := []any{[]any{1}, []any{1}, []any{2}, map[string]any{}}
	if _, err := uniq(lists, 3); err != nil {
		t.Error(err)
	}
	if _, err := uniq(lists, 2); err == nil || !strings.Contains(err.Error(), "more than 2 lists and maps to compare") {
		t.Errorf("error %v", err)
	}
}
