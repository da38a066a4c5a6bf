package pure

import (
	"fmt"
	"testing"

	"restencil/watch"
)

func TestIn(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ in "tomato" "mat" }} {{ in "tomato" "" }} {{ in "größe" "ö" }} {{ "tomato" | contains "x" }}`, want: "true true true false"},
		{text: `{{ in (split "," "a,b") "b" }} {{ in (split "," "a,b") "ab" }} {{ split "," "a,b" | contains "a" }} {{ in (split "," "") "a" }}`, want: "true false true false"},
		{text: `{{ in (sprig_list 1 2.5 "x" nil true) 1 }} {{ in (sprig_list 1 2.5 "x") 2.5 }} {{ in (sprig_list 1 "x") "x" }}`, want: "true true true"},
		{text: `{{ in (sprig_list 1 2) (parseInt "2") }} {{ in (sprig_list 1 2) 2.0 }} {{ in (sprig_list 1 2) (parseUint "2") }} {{ in (sprig_list (parseUint "2")) (parseUint "2") }}`, want: "true false false false"},
		{text: `{{ in (parseJSON "[1,2]") 1 }} {{ in (parseJSON "[1,2]") 1.0 }}`, want: "false true"},
		{text: `{{ in (sprig_list true nil) true }} {{ in (sprig_list 1) nil }} {{ in (sprig_list (sprig_list 1)) (sprig_list 1) }}`, want: "false false false"},
		{text: `{{ in 12 1 }} {{ in nil "a" }} {{ in (sprig_dict "a" 1) "a" }} {{ in "12" 1 }}`, want: "false false false false"},
		{text: `{{ in (sprig_until 3) 2 }} {{ in (slice "abc" 1) "b" }}`, want: "true true"},
		{text: `{{ in "a" nil }}`, fail: "error calling in: reflect: call of reflect.Value.Type on zero Value"},
		{text: `{{ contains nil (split "," "a") }}`, fail: "call of reflect.Value.Type on zero Value"},
		{text: `{{ in "a" }}`, fail: "wrong number of args for in: want 2 got 1"},
	})
}

// Text of different types is different, as it is to eq.
func TestInToldByType(t *testing.T) {
	type name string
	for _, tt := range []struct {
		hay, needle any
		want        bool
	}{
		{"abc", name("b"), false},
		{name("abc"), name("b"), true},
		{[]string{"b"}, name("b"), false},
		{[]name{"b"}, name("b"), true},
		{[]any{"b", name("c")}, "c", false},
	} {
		if got, err := in(tt.hay, tt.needle); err != nil || got != tt.want {
			t.Errorf("%T %q in %T %q: %v, %v", tt.needle, tt.needle, tt.hay, tt.hay, got, err)
		}
	}
}

func TestContainsSome(t *testing.T) {
	for _, tt := range []struct {
		needles, hay               string
		all, any, none, notAllWant bool
	}{
		{`(sprig_list "a" "b")`, `(split "," "c,b,a")`, true, true, false, false},
		{`(sprig_list "a" "x")`, `(split "," "c,b,a")`, false, true, false, true},
		{`(sprig_list "x" "y")`, `(split "," "c,b,a")`, false, false, true, true},
		{`(sprig_list)`, `(split "," "a")`, true, false, true, false},
		{`nil`, `"a"`, true, false, true, false},
		{`(sprig_list 1 2.0)`, `(parseJSON "[1,2]")`, false, true, false, true},
		{`(sprig_list "a" "b")`, `"cab"`, true, true, false, false},
		{`(sprig_list nil)`, `(sprig_list nil)`, false, false, true, true},
		// consul-template refuses lists of strings here (COMPAT Q20).
		{`(split "," "a,b")`, `(split "," "c,b,a")`, true, true, false, false},
		{`(sprig_until 3)`, `(sprig_until 9)`, true, true, false, false},
	} {
		text := fmt.Sprintf(`{{ containsAll %[1]s %[2]s }} {{ %[2]s | containsAny %[1]s }} {{ containsNone %[1]s %[2]s }} {{ containsNotAll %[1]s %[2]s }}`, tt.needles, tt.hay)
		want := fmt.Sprint(tt.all, tt.any, tt.none, tt.notAllWant)
		if got, err := render(text); err != nil || got != want {
			t.Errorf("%s\nrendered %q, error %v\nwant     %q", text, got, err, want)
		}
	}
	runPureTests(t, []pureTest{
		{text: `{{ containsAll "a" "abc" }}`, fail: "wrong type for value; expected a list; got string"},
		{text: `{{ containsAny (sprig_dict) "abc" }}`, fail: "got map[string]interface {}"},
		{text: `{{ containsNone (sprig_list nil) "abc" }}`, fail: "call of reflect.Value.Type on zero Value"},
		{text: `{{ containsAny (sprig_list "a" nil) "abc" }}`, want: "true"},
	})
}

// byKey hands out copies, for it changes their keys.
func TestByKeyLeavesPairsAlone(t *testing.T) {
	pairs := []*watch.KeyPair{{Key: "a/b", Value: "1"}}
	byKey(pairs)
	if pairs[0].Key != "a/b" {
		t.Errorf("the pair's key is %q now", pairs[0].Key)
	}
}
