package setting

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"restencil/cmd/restencil/config/hcl1"
)

// A kind says how values of one type are written.
type kind[T any] struct {
	want string                    // for "expected …"
	arg  string                    // what stands for a value in the help
	flag func(string) (any, error) // what a file would have for the text of a flag; nil: a string
	read func(any) (T, error)      // the Value of a node; errKind where it is of another kind
	show func(T) string            // as a file would have it
}

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

func text() kind[string] {
	return kind[string]{want: "a string", arg: "<string>", read: as[string], show: hcl1.Quote}
}

func boolean() kind[bool] {
	return kind[bool]{
		want: "true or false",
		flag: func(s string) (any, error) { return strconv.ParseBool(s) },
		read: as[bool],
		show: strconv.FormatBool,
	}
}

func integer[T int | int64]() kind[T] {
	return kind[T]{
		want: "a whole number",
		arg:  "<n>",
		flag: func(s string) (any, error) { return strconv.ParseInt(s, 10, 32) },
		read: whole[T],
		show: func(i T) string { return strconv.FormatInt(int64(i), 10) },
	}
}

// whole returns a number without its fraction, as COMPAT's decoder does.
func whole[T int | int64 | time.Duration](v any) (T, error) {
	switch v := v.(type) {
	case int64:
		return T(v), nil
	case float64:
		return T(v), nil
	}
	return 0, errKind
}

func number() kind[float64] {
	return kind[float64]{
		want: "a number",
		arg:  "<number>",
		flag: func(s string) (any, error) { return strconv.ParseFloat(s, 64) },
		read: func(v any) (float64, error) {
			if i, ok := v.(int64); ok {
				return float64(i), nil
			}
			return as[float64](v)
		},
		show: func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) },
	}
}

// share is a part of the whole, where 0 is shown as all of it: no limit either.
func share() kind[float64] {
	k := number()
	read, show := k.read, k.show
	k.want, k.arg, k.flag = `a part such as "50%" or 0.5`, "<part>", nil
	k.read = func(v any) (float64, error) {
		s, ok := v.(string)
		if !ok {
			f, err := read(v)
			return f, unless(err == nil && f >= 0 && f <= 1)
		}
		digits, percent := strings.CutSuffix(s, "%")
		f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if percent {
			f /= 100
		}
		if err != nil || !(f >= 0 && f <= 1) {
			return 0, fmt.Errorf("expected %s, found %q", k.want, s)
		}
		return f, nil
	}
	k.show = func(f float64) string {
		if f == 0 {
			f = 1
		}
		return show(f)
	}
	return k
}

// duration is a string like "1m30s" or, in a file, a whole number of
// nanoseconds (COMPAT 2.2).
func duration() kind[time.Duration] {
	return kind[time.Duration]{
		want: `a duration such as "30s"`,
		arg:  "<duration>",
		read: func(v any) (time.Duration, error) {
			if s, ok := v.(string); ok {
				return time.ParseDuration(s)
			}
			return whole[time.Duration](v)
		},
		show: func(d time.Duration) string { return hcl1.Quote(ShortDuration(d)) },
	}
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

// mode is the permission bits of a file: a number as it is, or octal digits in
// a string.
func mode() kind[fs.FileMode] {
	return kind[fs.FileMode]{
		want: "an octal file mode such as 0644",
		arg:  "<mode>",
		read: func(v any) (fs.FileMode, error) {
			if s, ok := v.(string); ok {
				m, err := strconv.ParseUint(s, 8, 12)
				return fs.FileMode(m), unless(err == nil)
			}
			i, err := whole[int64](v)
			return fs.FileMode(i), unless(err == nil && i >= 0 && i < 1<<32)
		},
		show: func(m fs.FileMode) string { return fmt.Sprintf("0%o", uint32(m)) },
	}
}

func signal() kind[os.Signal] {
	return kind[os.Signal]{
		want: `the name of a signal such as "SIGTERM"`,
		arg:  "<signal>",
		flag: func(s string) (any, error) {
			_, err := parseSignal(s) // in a file, "" is a signal
			return s, err
		},
		read: func(v any) (os.Signal, error) {
			s, err := as[string](v)
			switch {
			case err != nil:
				return nil, err
			case s == "":
				return SignalNone, nil
			}
			return parseSignal(s)
		},
		show: func(s os.Signal) string {
			if s == nil {
				return ""
			}
			return hcl1.Quote(signalName(s))
		},
	}
}

// list is strings that add up over files and flags. In a file a string is
// split at its commas (COMPAT 2.2); a flag adds one string as it is.
func list() kind[[]string] {
	return kind[[]string]{
		want: "a list of strings",
		arg:  "<string>",
		flag: func(s string) (any, error) { return []hcl1.Node{{Value: s}}, nil },
		read: func(v any) ([]string, error) {
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
		},
		show: func(list []string) string {
			quoted := make([]string, len(list))
			for i, s := range list {
				quoted[i] = hcl1.Quote(s)
			}
			return "[" + strings.Join(quoted, ", ") + "]"
		},
	}
}

// splitList splits at commas; the empty string is the empty list.
func splitList(s string) []string {
	if s == "" {
		return []string{}
	}
	return strings.Split(s, ",")
}

// command is a list, but that a string may be a whole command line.
func command() kind[[]string] {
	k := list()
	read := k.read
	k.want, k.arg = `a command: a string, or a list such as ["program", "argument"]`, "<command>"
	k.read = func(v any) ([]string, error) {
		if s, ok := v.(string); ok {
			return splitCommand(s), nil
		}
		return read(v)
	}
	return k
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

// counts are whole numbers by name, as { web = 2 }.
func counts() kind[map[string]int] {
	return kind[map[string]int]{
		want: "numbers by name, such as { web = 2 }",
		arg:  "<numbers>",
		read: func(v any) (map[string]int, error) {
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
		},
		show: func(m map[string]int) string {
			var parts []string
			for _, name := range slices.Sorted(maps.Keys(m)) {
				parts = append(parts, fmt.Sprintf("%s = %d", hcl1.Quote(name), m[name]))
			}
			if parts == nil {
				return ""
			}
			return "{ " + strings.Join(parts, ", ") + " }"
		},
	}
}

// choice writes words as a choice: "a", "b" or "c".
func choice(words []string) string {
	var quoted []string
	for _, word := range words {
		if word != "" {
			quoted = append(quoted, strconv.Quote(word))
		}
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}
