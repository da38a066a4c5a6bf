package setting

import (
	"errors"
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

func text() kind[string] {
	return kind[string]{
		want:  "a string",
		arg:   "<string>",
		parse: func(s string) (string, error) { return s, nil },
		read:  as[string],
		show:  hcl1.Quote,
	}
}

func boolean() kind[bool] {
	return kind[bool]{want: "true or false", parse: strconv.ParseBool, read: as[bool], show: strconv.FormatBool}
}

// as returns a value that is of the type of its setting.
func as[T any](n hcl1.Node) (T, error) {
	v, ok := n.Value.(T)
	return v, unless(ok)
}

// unless returns errKind where a value is not of the kind wanted.
func unless(ok bool) error {
	if ok {
		return nil
	}
	return errKind
}

func integer[T int | int64]() kind[T] {
	return kind[T]{
		want: "a whole number",
		arg:  "<n>",
		parse: func(s string) (T, error) {
			i, err := strconv.ParseInt(s, 10, 32)
			return T(i), err
		},
		read: readWhole[T],
		show: func(i T) string { return strconv.FormatInt(int64(i), 10) },
	}
}

// readWhole returns a number without its fraction, as COMPAT's decoder does.
func readWhole[T int | int64 | time.Duration](n hcl1.Node) (T, error) {
	switch v := n.Value.(type) {
	case int64:
		return T(v), nil
	case float64:
		return T(v), nil
	}
	return 0, errKind
}

func number() kind[float64] {
	return kind[float64]{
		want:  "a number",
		arg:   "<number>",
		parse: func(s string) (float64, error) { return strconv.ParseFloat(s, 64) },
		read:  readNumber,
		show:  showNumber,
	}
}

func readNumber(n hcl1.Node) (float64, error) {
	switch v := n.Value.(type) {
	case int64:
		return float64(v), nil
	case float64:
		return v, nil
	}
	return 0, errKind
}

func showNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// duration is a string like "1m30s" or, in a file, a whole number of
// nanoseconds (COMPAT 2.2).
func duration() kind[time.Duration] {
	return kind[time.Duration]{
		want:  `a duration such as "30s"`,
		arg:   "<duration>",
		parse: time.ParseDuration,
		read: func(n hcl1.Node) (time.Duration, error) {
			if s, ok := n.Value.(string); ok {
				return time.ParseDuration(s)
			}
			return readWhole[time.Duration](n)
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
	parse := func(s string) (fs.FileMode, error) {
		m, err := strconv.ParseUint(s, 8, 12)
		return fs.FileMode(m), Reason(err)
	}
	return kind[fs.FileMode]{
		want:  "an octal file mode such as 0644",
		arg:   "<mode>",
		parse: parse,
		read: func(n hcl1.Node) (fs.FileMode, error) {
			if s, ok := n.Value.(string); ok {
				m, err := parse(s)
				return m, unless(err == nil)
			}
			i, err := readWhole[int64](n)
			if err == nil && (i < 0 || i > 1<<32-1) {
				err = errKind
			}
			return fs.FileMode(i), err
		},
		show: func(m fs.FileMode) string { return fmt.Sprintf("0%o", uint32(m)) },
	}
}

// Reason returns what strconv has to say, without its function and input.
func Reason(err error) error {
	var n *strconv.NumError
	if errors.As(err, &n) {
		return n.Err
	}
	return err
}

func signal() kind[os.Signal] {
	return kind[os.Signal]{
		want:  `the name of a signal such as "SIGTERM"`,
		arg:   "<signal>",
		parse: parseSignal,
		read: func(n hcl1.Node) (os.Signal, error) {
			s, err := as[string](n)
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

func share() kind[float64] {
	const want = `a part such as "50%" or 0.5`
	parse := func(s string) (float64, error) {
		digits, percent := strings.CutSuffix(s, "%")
		f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if percent {
			f /= 100
		}
		if err != nil || !(f >= 0 && f <= 1) {
			return 0, fmt.Errorf("expected %s, found %q", want, s)
		}
		return f, nil
	}
	return kind[float64]{
		want:  want,
		arg:   "<part>",
		parse: parse,
		read: func(n hcl1.Node) (float64, error) {
			if s, ok := n.Value.(string); ok {
				return parse(s)
			}
			f, err := readNumber(n)
			if !(f >= 0 && f <= 1) {
				err = errKind
			}
			return f, err
		},
		show: func(f float64) string {
			if f == 0 {
				f = 1 // all may be lost: no limit either
			}
			return showNumber(f)
		},
	}
}

// list is strings that add up over files and flags. In a file a string is
// split at its commas (COMPAT 2.2); a flag adds one string as it is.
func list() kind[[]string] {
	return kind[[]string]{
		want:  "a list of strings",
		arg:   "<string>",
		parse: func(s string) ([]string, error) { return []string{s}, nil },
		read: func(n hcl1.Node) ([]string, error) {
			if s, ok := n.Value.(string); ok {
				return splitList(s), nil
			}
			return readStrings(n)
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

func readStrings(n hcl1.Node) ([]string, error) {
	items, ok := n.List()
	if !ok {
		return nil, errKind
	}
	list := make([]string, len(items))
	for i, item := range items {
		if list[i], ok = item.Value.(string); !ok {
			return nil, &elementError{Node: item, want: "a list of strings"}
		}
	}
	return list, nil
}

// counts are whole numbers by name, as { web = 2 }.
func counts() kind[map[string]int] {
	return kind[map[string]int]{
		want:  "numbers by name, such as { web = 2 }",
		arg:   "<numbers>",
		parse: func(string) (map[string]int, error) { return nil, errKind },
		read: func(n hcl1.Node) (map[string]int, error) {
			fields, ok := n.Block()
			if !ok {
				return nil, errKind
			}
			found := make(map[string]int, len(fields))
			for _, f := range fields {
				i, ok := f.Value.Value.(int64)
				if !ok || i < 0 || i > 1<<31-1 {
					return nil, &elementError{Node: f.Value, want: "a whole number for " + f.Name}
				}
				found[f.Name] = int(i)
			}
			return found, nil
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
