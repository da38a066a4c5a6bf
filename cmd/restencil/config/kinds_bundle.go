package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// share is a part of the whole, "50%" or 0.5. Zero is no limit, and cannot be
// written.
func share(to *float64) value {
	const want = `a part such as "50%" or 0.5`
	fromText := func(s string) (float64, error) {
		digits, percent := strings.CutSuffix(s, "%")
		f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err == nil && percent {
			f /= 100
		}
		if err != nil || !(f >= 0 && f <= 1) {
			return 0, fmt.Errorf("expected %s, found %q", want, s)
		}
		return f, nil
	}
	return bound[float64]{to: to, kind: kind[float64]{
		want:     want,
		hint:     "<part>",
		fromText: fromText,
		fromNode: func(n node) (float64, error) {
			switch v := n.value.(type) {
			case string:
				return fromText(v)
			case int64:
				return float64(v), unless(v == 0 || v == 1)
			case float64:
				return v, unless(v >= 0 && v <= 1)
			}
			return 0, errKind
		},
		show: func(f float64) string {
			if f == 0 {
				f = 1 // all may be lost: no limit either
			}
			return strconv.FormatFloat(f, 'g', -1, 64)
		},
	}}
}

// counts are whole numbers by name, as { web = 2 }.
func counts(to *map[string]int) value {
	return bound[map[string]int]{to: to, kind: kind[map[string]int]{
		want:     "numbers by name, such as { web = 2 }",
		hint:     "<numbers>",
		fromText: func(string) (map[string]int, error) { return nil, errKind },
		fromNode: nodeCounts,
		show:     showCounts,
	}}
}

func nodeCounts(n node) (map[string]int, error) {
	fields, ok := n.value.([]field)
	if !ok {
		return nil, errKind
	}
	found := make(map[string]int, len(fields))
	for _, f := range fields {
		i, ok := f.value.value.(int64)
		if !ok || i < 0 || i > 1<<31-1 {
			return nil, &elementError{node: f.value, want: "a whole number for " + f.name}
		}
		found[f.name] = int(i)
	}
	return found, nil
}

func showCounts(m map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s = %d", quote(name), m[name]))
	}
	if parts == nil {
		return ""
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// storeDown is what is done while a store is away: "stay" for zero, or "exit
// after" a time.
func storeDown(to *time.Duration) value {
	const want, after = `"stay" or "exit after" and a time, such as "exit after 10m"`, "exit after "
	fromText := func(s string) (time.Duration, error) {
		words := strings.Join(strings.Fields(s), " ")
		if words == "stay" {
			return 0, nil
		}
		text, ok := strings.CutPrefix(words, after)
		d, err := time.ParseDuration(text)
		if !ok || err != nil || d <= 0 {
			return 0, fmt.Errorf("expected %s, found %q", want, s)
		}
		return d, nil
	}
	return bound[time.Duration]{to: to, kind: kind[time.Duration]{
		want:     want,
		hint:     "<what>",
		fromText: fromText,
		fromNode: func(n node) (time.Duration, error) {
			s, ok := n.value.(string)
			if !ok {
				return 0, errKind
			}
			return fromText(s)
		},
		show: func(d time.Duration) string {
			if d == 0 {
				return quote("stay")
			}
			return quote(after + shortDuration(d))
		},
	}}
}
