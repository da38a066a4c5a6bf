package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A value is where a setting is kept, and how it is read and shown.
type value interface {
	reset()                // sets the default
	fromText(string) error // of a flag or an environment variable
	fromNode(node) error   // of a file
	show() string          // as a file would have it, "" where no file can say it
	placeholder() string   // for help, "" for a switch
	defaultText() string   // for help, "" for none worth telling
}

// errKind says that a node is of another kind than its setting.
var errKind = errors.New("wrong kind of value")

// A kind is what values of one type have in common.
type kind[T any] struct {
	want     string // for "expected …"
	hint     string // the placeholder of flags
	fromText func(string) (T, error)
	fromNode func(node) (T, error)
	show     func(T) string
}

// A bound value is kept in a variable of the configuration.
type bound[T any] struct {
	kind[T]
	to       *T
	standard T
	add      bool // lists add up and one true is enough; otherwise the last value counts
}

func (b bound[T]) reset() { *b.to = b.standard }

func (b bound[T]) fromText(s string) error { return b.set(b.kind.fromText(s)) }

func (b bound[T]) fromNode(n node) error {
	v, err := b.kind.fromNode(n)
	if errors.Is(err, errKind) {
		return fmt.Errorf("expected %s, found %s", b.want, n.what())
	}
	return b.set(v, err)
}

func (b bound[T]) set(v T, err error) error {
	if err != nil {
		return err
	}
	if b.add {
		v = added(*b.to, v)
	}
	*b.to = v
	return nil
}

// added returns what values of two layers make together.
func added[T any](old, v T) T {
	var sum any = v
	switch old := any(old).(type) {
	case []string:
		sum = slices.Concat(old, sum.([]string))
	case bool:
		sum = old || sum.(bool)
	}
	return sum.(T)
}

func (b bound[T]) show() string        { return b.kind.show(*b.to) }
func (b bound[T]) placeholder() string { return b.hint }

func (b bound[T]) defaultText() string {
	switch v := any(b.standard).(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return ""
	case []string:
		return ""
	}
	if text := b.kind.show(b.standard); text != "0" && text != `""` && text != `"0s"` {
		return strings.Trim(text, `"`)
	}
	return ""
}

func text(to *string, standard string) value {
	return bound[string]{kind: textKind(), to: to, standard: standard}
}

func textKind() kind[string] {
	return kind[string]{
		want:     "a string",
		hint:     "<string>",
		fromText: func(s string) (string, error) { return s, nil },
		fromNode: func(n node) (string, error) {
			s, ok := n.value.(string)
			return s, unless(ok)
		},
		show: quote,
	}
}

// unless returns errKind where a node was not of the kind wanted.
func unless(ok bool) error {
	if ok {
		return nil
	}
	return errKind
}

func boolean(to *bool, standard bool) value {
	return bound[bool]{to: to, standard: standard, kind: kind[bool]{
		want:     "true or false",
		fromText: strconv.ParseBool,
		fromNode: func(n node) (bool, error) {
			b, ok := n.value.(bool)
			return b, unless(ok)
		},
		show: strconv.FormatBool,
	}}
}

// anyTrue is a bool that no later layer takes back.
func anyTrue(to *bool) value {
	b := boolean(to, false).(bound[bool])
	b.add = true
	return b
}

func integer(to *int, standard int) value {
	return bound[int]{to: to, standard: standard, kind: kind[int]{
		want: "a whole number",
		hint: "<n>",
		fromText: func(s string) (int, error) {
			i, err := strconv.ParseInt(s, 10, 32)
			return int(i), err
		},
		fromNode: func(n node) (int, error) {
			i, err := wholeNumber(n)
			return int(i), err
		},
		show: strconv.Itoa,
	}}
}

// wholeNumber returns a number without its fraction, as COMPAT's decoder does.
func wholeNumber(n node) (int64, error) {
	switch v := n.value.(type) {
	case int64:
		return v, nil
	case float64:
		return int64(v), nil
	}
	return 0, errKind
}

func fraction(to *float64, standard float64) value {
	return bound[float64]{to: to, standard: standard, kind: kind[float64]{
		want:     "a number",
		hint:     "<number>",
		fromText: func(s string) (float64, error) { return strconv.ParseFloat(s, 64) },
		fromNode: func(n node) (float64, error) {
			switch v := n.value.(type) {
			case int64:
				return float64(v), nil
			case float64:
				return v, nil
			}
			return 0, errKind
		},
		show: func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) },
	}}
}

// duration is a string like "1m30s" or, in a file, a whole number of
// nanoseconds (COMPAT 2.2).
func duration(to *time.Duration, standard time.Duration) value {
	return bound[time.Duration]{to: to, standard: standard, kind: kind[time.Duration]{
		want:     `a duration such as "30s"`,
		hint:     "<duration>",
		fromText: time.ParseDuration,
		fromNode: func(n node) (time.Duration, error) {
			if s, ok := n.value.(string); ok {
				return time.ParseDuration(s)
			}
			i, err := wholeNumber(n)
			return time.Duration(i), err
		},
		show: func(d time.Duration) string { return quote(shortDuration(d)) },
	}}
}

// shortDuration writes 1m for 1m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"0s", "0m"} {
		if cut, ok := strings.CutSuffix(s, zero); ok && strings.HasSuffix(cut, "m") || ok && strings.HasSuffix(cut, "h") {
			s = cut
		}
	}
	return s
}

func signal(to *os.Signal, standard os.Signal) value {
	return bound[os.Signal]{to: to, standard: standard, kind: kind[os.Signal]{
		want:     `the name of a signal such as "SIGTERM"`,
		hint:     "<signal>",
		fromText: parseSignal,
		fromNode: func(n node) (os.Signal, error) {
			s, ok := n.value.(string)
			switch {
			case !ok:
				return nil, errKind
			case s == "":
				return SignalNone, nil
			}
			return parseSignal(s)
		},
		show: func(s os.Signal) string {
			if s == nil {
				return ""
			}
			return quote(signalName(s))
		},
	}}
}

// mode is the permission bits of a file: a number as it is, or octal digits in
// a string.
func mode(to *fs.FileMode) value {
	return bound[fs.FileMode]{to: to, kind: kind[fs.FileMode]{
		want: "an octal file mode such as 0644",
		hint: "<mode>",
		fromText: func(s string) (fs.FileMode, error) {
			m, err := strconv.ParseUint(s, 8, 12)
			return fs.FileMode(m), reason(err)
		},
		fromNode: func(n node) (fs.FileMode, error) {
			if s, ok := n.value.(string); ok {
				m, err := strconv.ParseUint(s, 8, 12)
				return fs.FileMode(m), unless(err == nil)
			}
			i, err := wholeNumber(n)
			if err == nil && (i < 0 || i > 1<<32-1) {
				return 0, errKind
			}
			return fs.FileMode(i), err
		},
		show: func(m fs.FileMode) string { return fmt.Sprintf("0%o", uint32(m)) },
	}}
}

// list is strings that add up over files and flags. In a file a string is
// split at its commas (COMPAT 2.2); a flag adds one string as it is.
func list(to *[]string) value {
	return bound[[]string]{to: to, add: true, kind: kind[[]string]{
		want:     "a list of strings",
		hint:     "<string>",
		fromText: func(s string) ([]string, error) { return []string{s}, nil },
		fromNode: func(n node) ([]string, error) {
			if s, ok := n.value.(string); ok {
				return splitList(s), nil
			}
			return nodeStrings(n)
		},
		show: showList,
	}}
}

// command is a program and its arguments; a string is one element.
func command(to *[]string) value {
	return bound[[]string]{to: to, kind: kind[[]string]{
		want:     `a command: a string, or a list such as ["program", "argument"]`,
		hint:     "<command>",
		fromText: func(s string) ([]string, error) { return []string{s}, nil },
		fromNode: func(n node) ([]string, error) {
			if s, ok := n.value.(string); ok {
				return splitCommand(s), nil
			}
			return nodeStrings(n)
		},
		show: showList,
	}}
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

func nodeStrings(n node) ([]string, error) {
	items, ok := n.value.([]node)
	if !ok {
		return nil, errKind
	}
	list := make([]string, len(items))
	for i, item := range items {
		s, ok := item.value.(string)
		if !ok {
			return nil, &elementError{item}
		}
		list[i] = s
	}
	return list, nil
}

// An elementError says which element of a list is no string.
type elementError struct{ node }

func (e *elementError) Error() string {
	return "expected a list of strings, found " + e.what() + " in it"
}

func showList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote writes a string as HCL 1 reads it: what follows "${" is left alone
// there, so the dollar is written as its code.
func quote(s string) string {
	if !utf8.ValidString(s) {
		return strings.ReplaceAll(strconv.QuoteToASCII(s), "${", `\x24{`)
	}
	return strings.ReplaceAll(strconv.Quote(s), "${", `\x24{`)
}

// reason returns what strconv has to say without its function and input.
func reason(err error) error {
	var n *strconv.NumError
	if errors.As(err, &n) {
		return n.Err
	}
	return err
}
