package guard

import (
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	file := func(old, now int) Facts {
		return Facts{Files: []File{{Path: "f", Old: old, New: now, Blank: now == 0}}}
	}
	web := func(n int) Facts { return Facts{Instances: map[string]int{"web": n, "other": 0}} }
	gone := func(sizes ...int) (f Facts) {
		for _, old := range sizes {
			f.Files = append(f.Files, File{Path: "f", Old: old, Removed: true, Blank: true})
		}
		return f
	}
	seven := 7.0 // of which 0.7% is a little less than 0.007
	tests := []struct {
		name  string
		rules Rules
		facts Facts
		want  string
	}{
		{"no rules, nothing", Rules{}, Facts{}, ""},
		{"no rules, a scale to zero", Rules{}, Facts{Files: []File{{Path: "f", Old: 900, Blank: true}}, Instances: map[string]int{"web": 0}}, ""},

		{"not empty", Rules{NotEmpty: true}, file(5, 1), ""},
		{"empty", Rules{NotEmpty: true}, file(5, 0), "f would be empty (not_empty)"},
		{"empty from the first", Rules{NotEmpty: true}, file(-1, 0), "f would be empty (not_empty)"},
		{"blank", Rules{NotEmpty: true}, Facts{Files: []File{{Path: "f", Old: 5, New: 3, Blank: true}}}, "f would be empty (not_empty)"},
		{"blank and empty before", Rules{NotEmpty: true}, file(0, 0), "f would be empty (not_empty)"},

		{"a file goes", Rules{NotEmpty: true, MinBytes: 1, MaxShrink: 0.1, MaxRemoved: 1}, gone(5), ""},
		{"too many go", Rules{MaxRemoved: 1}, gone(5, 0), "2 files would be removed, and at most 1 may at a time (max_removed)"},
		{"one had gone before", Rules{MaxRemoved: 1}, gone(5, -1), ""},

		{"enough bytes", Rules{MinBytes: 10}, file(-1, 10), ""},
		{"too few bytes", Rules{MinBytes: 10}, file(-1, 9), "f would have 9 of at least 10 bytes (min_bytes)"},

		{"grows", Rules{MaxShrink: 0.5}, file(10, 100), ""},
		{"shrinks by as much as it may", Rules{MaxShrink: 0.5}, file(100, 50), ""},
		{"shrinks by more", Rules{MaxShrink: 0.5}, file(100, 49), "f would shrink from 100 to 49 bytes, by more than 50% (max_shrink)"},
		{"a part that is not exact in binary", Rules{MaxShrink: 0.29}, file(100, 71), ""},
		{"a part that was computed", Rules{MaxShrink: seven / 10 / 100}, file(1000, 993), ""},
		{"and more than that", Rules{MaxShrink: 0.29}, file(100, 70), "f would shrink from 100 to 70 bytes, by more than 29% (max_shrink)"},
		{"a part of a percent", Rules{MaxShrink: 0.125}, file(8, 6), "f would shrink from 8 to 6 bytes, by more than 12.5% (max_shrink)"},
		{"a small part of many", Rules{MaxShrink: 1e-6}, file(1_000_000_000, 999_998_000), "f would shrink from 1000000000 to 999998000 bytes, by more than 0.0001% (max_shrink)"},
		{"to nothing, as it may", Rules{MaxShrink: 1}, file(100, 0), ""},
		{"new", Rules{MaxShrink: 0.1}, file(-1, 0), ""},
		{"empty before", Rules{MaxShrink: 0.1}, file(0, 0), ""},

		{"enough instances", Rules{MinInstances: map[string]int{"web": 2}}, web(2), ""},
		{"too few instances", Rules{MinInstances: map[string]int{"web": 2}}, web(1), "service web has 1 of at least 2 instances (min_instances)"},
		{"no instances", Rules{MinInstances: map[string]int{"web": 1}}, web(0), "service web has 0 of at least 1 instances (min_instances)"},
		{"no instances, as it may", Rules{MinInstances: map[string]int{"web": 0}}, web(0), ""},
		{"no instances of another", Rules{MinInstances: map[string]int{"web": 1}}, web(1), ""},
		{"a service that is not used", Rules{MinInstances: map[string]int{"wbe": 2}}, web(5), "service wbe is used by no template, and there must be 2 instances (min_instances)"},
		{"the first of several services", Rules{MinInstances: map[string]int{"b": 1, "a": 1, "c": 1}}, Facts{Instances: map[string]int{"a": 0, "b": 0, "c": 0}}, "service a has 0 of at least 1 instances (min_instances)"},

		{"the second file", Rules{NotEmpty: true}, Facts{Files: []File{{Path: "a", New: 1}, {Path: "b", Blank: true}}}, "b would be empty (not_empty)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.rules.Check(test.facts); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestCheckProperties is about what a person relies on, whatever the rules are:
// more is never worse, fewer rules never hold more, and the reason names a rule
// that is there.
func TestCheckProperties(t *testing.T) {
	held := 0
	for seed := range uint64(20_000) {
		random := rand.New(rand.NewPCG(seed, 0))
		r, f := randomRules(random), randomFacts(random)
		why := r.Check(f)
		if why != r.Check(f) {
			t.Fatalf("seed %d: another reason for the same", seed)
		}
		if (Rules{}).Check(f) != "" {
			t.Fatalf("seed %d: held without rules", seed)
		}
		if why == "" {
			if bigger := more(f, random); r.Check(bigger) != "" {
				t.Fatalf("seed %d: %+v lets %+v pass, but not %+v: %s", seed, r, f, bigger, r.Check(bigger))
			}
			if less := fewer(r, random); less.Check(f) != "" {
				t.Fatalf("seed %d: %+v holds %+v, but not %+v: %s", seed, less, f, r, less.Check(f))
			}
			continue
		}
		held++
		if without := withoutNamed(t, r, why); without.Check(f) == why {
			t.Fatalf("seed %d: %q without that rule", seed, why)
		}
	}
	if held < 1000 || held > 19_000 {
		t.Errorf("%d of 20000 were held, which tests little", held)
	}
}

func randomRules(random *rand.Rand) Rules {
	r := Rules{NotEmpty: random.IntN(3) == 0}
	if random.IntN(2) == 0 {
		r.MinBytes = random.IntN(20)
	}
	if random.IntN(2) == 0 {
		r.MaxShrink = random.Float64()
	}
	if random.IntN(2) == 0 {
		r.MinInstances = map[string]int{"a": random.IntN(3), "b": random.IntN(3)}
	}
	return r
}

func randomFacts(random *rand.Rand) Facts {
	f := Facts{Instances: map[string]int{}}
	for range random.IntN(3) {
		size := random.IntN(100)
		f.Files = append(f.Files, File{Path: "f", Old: random.IntN(101) - 1, New: size, Blank: size == 0 || random.IntN(20) == 0})
	}
	for _, service := range []string{"a", "b"} {
		if random.IntN(4) > 0 {
			f.Instances[service] = random.IntN(5)
		}
	}
	return f
}

// more returns f with files that are not smaller and services that have not
// fewer instances.
func more(f Facts, random *rand.Rand) Facts {
	bigger := Facts{Instances: maps.Clone(f.Instances)}
	for _, file := range f.Files {
		file.New += random.IntN(50)
		bigger.Files = append(bigger.Files, file)
	}
	for service := range bigger.Instances {
		bigger.Instances[service] += random.IntN(3)
	}
	return bigger
}

// fewer returns r with one rule less, or a milder one.
func fewer(r Rules, random *rand.Rand) Rules {
	switch random.IntN(4) {
	case 0:
		r.NotEmpty = false
	case 1:
		r.MinBytes /= 2
	case 2:
		if r.MaxShrink > 0 {
			r.MaxShrink = (r.MaxShrink + 1) / 2
		}
	case 3:
		r.MinInstances = maps.Clone(r.MinInstances)
		delete(r.MinInstances, "a")
	}
	return r
}

// withoutNamed returns r without the rule that why names.
func withoutNamed(t *testing.T, r Rules, why string) Rules {
	t.Helper()
	switch {
	case strings.HasSuffix(why, "(not_empty)") && r.NotEmpty:
		r.NotEmpty = false
	case strings.HasSuffix(why, "(min_bytes)") && r.MinBytes > 0:
		r.MinBytes = 0
	case strings.HasSuffix(why, "(max_shrink)") && r.MaxShrink > 0:
		r.MaxShrink = 0
	case strings.HasSuffix(why, "(min_instances)") && r.MinInstances != nil:
		r.MinInstances = nil
	default:
		t.Fatalf("%q names no rule of %+v", why, r)
	}
	return r
}
