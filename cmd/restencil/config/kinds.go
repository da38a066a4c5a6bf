package config

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

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

// oneOf is one of a few words, or the standard.
func oneOf(to *string, standard, hint string, words ...string) value {
	k := textKind()
	k.want = anyOf(words)
	k.hint = hint
	check := func(s string, err error) (string, error) {
		if err == nil && s != standard && !slices.Contains(words, s) {
			err = fmt.Errorf("expected %s, found %q", k.want, s)
		}
		return s, err
	}
	k.fromText = func(s string) (string, error) { return check(s, nil) }
	fromNode := k.fromNode
	k.fromNode = func(n node) (string, error) { return check(fromNode(n)) }
	return bound[string]{kind: k, to: to, standard: standard}
}

// anyOf writes words as a choice: "a", "b" or "c".
func anyOf(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.Quote(word)
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
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
