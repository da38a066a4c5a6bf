package setting

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"restencil/cmd/restencil/config/hcl1"
)

// as returns a value that is of the type of its setting.
func as[T any](v any) (T, error) {
	t, ok := v.(T)
	return t, unless(ok)
}

// unless returns errKind where a value is not of the kind wanted.
func unless(ok bool) error {
	if ok {
		return nil
	}
	return errKind
}

// readWhole returns a number without its fraction, as COMPAT's decoder does.
func readWhole[T int | int64 | time.Duration](v any) (T, error) {
	switch v := v.(type) {
	case int64:
		return T(v), nil
	case float64:
		return T(v), nil
	}
	return 0, errKind
}

func readNumber(v any) (float64, error) {
	if i, ok := v.(int64); ok {
		return float64(i), nil
	}
	return as[float64](v)
}

func showNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

const wantShare = `a part such as "50%" or 0.5`

func readShare(v any) (float64, error) {
	s, ok := v.(string)
	if !ok {
		f, err := readNumber(v)
		return f, unless(err == nil && f >= 0 && f <= 1)
	}
	digits, percent := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f >= 0 && f <= 1) {
		return 0, fmt.Errorf("expected %s, found %q", wantShare, s)
	}
	return f, nil
}

func readDuration(v any) (time.Duration, error) {
	if s, ok := v.(string); ok {
		return time.ParseDuration(s)
	}
	return readWhole[time.Duration](v)
}

// ShortDuration writes 1m for 1m0s.
func ShortDuration(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"0s", "0m"} {
		if cut, ok := strings.CutSuffix(s, zero); ok && strings.HasSuffix(cut, "m") || ok && strings.HasSuffix(cut, "h") {
			s = cut
		}
	}
	return s
}

func readMode(v any) (fs.FileMode, error) {
	if s, ok := v.(string); ok {
		m, err := strconv.ParseUint(s, 8, 12)
		return fs.FileMode(m), unless(err == nil)
	}
	i, err := readWhole[int64](v)
	return fs.FileMode(i), unless(err == nil && i >= 0 && i < 1<<32)
}

func readList(v any) ([]string, error) {
	if s, ok := v.(string); ok {
		return splitList(s), nil
	}
	items, err := as[[]hcl1.Node](v)
	list := make([]string, len(items))
	for i, item := range items {
		if list[i], err = as[string](item.Value); err != nil {
			return nil, &elementError{Node: item, want: "a list of strings"}
		}
	}
	return list, err
}

func showList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = hcl1.Quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// splitList splits at commas; the empty string is the empty list.
func splitList(s string) []string {
	if s == "" {
		return []string{}
	}
	return strings.Split(s, ",")
}

func readCommand(v any) ([]string, error) {
	if s, ok := v.(string); ok {
		return splitCommand(s), nil
	}
	return readList(v)
}

// splitCommand takes a string of a file as a command. consul-template splits
// every one at its commas (COMPAT Q4). That gives a program to run only if
// what stands before the first comma is one word; else the string is whole.
func splitCommand(s string) []string {
	parts := splitList(s)
	if len(parts) > 1 && strings.ContainsAny(parts[0], " \t\r\n") {
		return []string{s}
	}
	return parts
}

// readCounts returns whole numbers by name, as { web = 2 }.
func readCounts(v any) (map[string]int, error) {
	fields, err := as[[]hcl1.Field](v)
	found := make(map[string]int, len(fields))
	for _, f := range fields {
		i, ok := f.Value.Value.(int64)
		if !ok || i < 0 || i > 1<<31-1 {
			return nil, &elementError{Node: f.Value, want: "a whole number for " + f.Name}
		}
		found[f.Name] = int(i)
	}
	return found, err
}

func showCounts(m map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s = %d", hcl1.Quote(name), m[name]))
	}
	if parts == nil {
		return ""
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}
