package setting

import (
	"cmp"
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

// A Value parses and formats the value of a setting.
type Value interface {
	Set(text string) error    // sets it from a flag or an environment variable
	Decode(n hcl1.Node) error // sets it from a file
	Show() string             // formats it as in a file; "" where no file can set it
	masked() string           // is Show without secrets
	accumulates() bool        // reports whether a later value adds to an earlier one
	Arg() string              // is the placeholder in the help, "" for a switch
}

// A variable is a Value that is kept in a Go variable.
type variable[T any] struct {
	to    *T
	want  string                    // for "expected …"
	arg   string                    // see Arg
	flag  func(string) (any, error) // turns the text of a flag into the Value of a node; nil: it is a string
	read  func(any) (T, error)      // converts the Value of a node; errKind where it has another type
	show  func(T) string            // formats a value as in a file
	mask  func(T) T                 // removes secrets; nil: there are none
	add   func(old, new T) T        // combines the values of two layers; nil: the later one counts
	check func(T) error             // validates a value; nil: all are valid
}

func (b *variable[T]) Show() string      { return b.show(*b.to) }
func (b *variable[T]) Arg() string       { return b.arg }
func (b *variable[T]) accumulates() bool { return b.add != nil }

func (b *variable[T]) masked() string {
	if b.mask == nil {
		return b.Show()
	}
	return b.show(b.mask(*b.to))
}

func (b *variable[T]) Set(text string) error {
	n := hcl1.Node{Value: text}
	if b.flag != nil {
		var err error
		if n.Value, err = b.flag(text); err != nil {
			return err
		}
	}
	return b.Decode(n)
}

func (b *variable[T]) Decode(n hcl1.Node) error {
	v, err := b.read(n.Value)
	if errors.Is(err, errKind) {
		err = fmt.Errorf("expected %s, found %v", b.want, n)
	}
	if err == nil && b.check != nil {
		err = b.check(v)
	}
	if err != nil {
		return err
	}
	if b.add != nil {
		v = b.add(*b.to, v)
	}
	*b.to = v
	return nil
}

// errKind is the error of a value whose type is not that of its setting.
var errKind = errors.New("wrong kind of value")

// An elementError is the error of an element of a list or map with the wrong type.
type elementError struct {
	hcl1.Node
	want string
}

func (e *elementError) Error() string {
	return fmt.Sprintf("expected %s, found %v in it", e.want, e.Node)
}

func (s Setting) value() Value {
	switch to := s.To.(type) {
	case Value:
		return to
	case *string:
		return text(to)
	case *bool:
		return boolean(to)
	case *int:
		return integer(to)
	case *int64:
		return integer(to)
	case *float64:
		return number(to)
	case *time.Duration:
		return duration(to)
	case *fs.FileMode:
		return mode(to)
	case *os.Signal:
		return signal(to)
	case *[]string:
		return growingList(to)
	case *map[string]int:
		return counts(to)
	}
	panic(fmt.Sprintf("setting %s: no value is a %T", s.Key, s.To))
}

// as returns v if it is a T, or else errKind.
func as[T any](v any) (T, error) {
	t, ok := v.(T)
	return t, unless(ok)
}

// unless returns errKind if ok is false.
func unless(ok bool) error {
	if ok {
		return nil
	}
	return errKind
}

// readWhole truncates numbers, as consul-template's decoder does.
func readWhole[T int | int64 | time.Duration](v any) (T, error) {
	switch v := v.(type) {
	case int64:
		return T(v), nil
	case float64:
		return T(v), nil
	}
	return 0, errKind
}

func text(to *string) *variable[string] {
	return &variable[string]{to: to, want: "a string", arg: "<string>", read: as[string], show: hcl1.Quote}
}

func boolean(to *bool) *variable[bool] {
	flag := func(s string) (any, error) { return strconv.ParseBool(s) }
	return &variable[bool]{to: to, want: "true or false", flag: flag, read: as[bool], show: strconv.FormatBool}
}

func integer[T int | int64](to *T) *variable[T] {
	flag := func(s string) (any, error) { return strconv.ParseInt(s, 10, 32) }
	show := func(i T) string { return strconv.FormatInt(int64(i), 10) }
	return &variable[T]{to: to, want: "a whole number", arg: "<n>", flag: flag, read: readWhole[T], show: show}
}

func number(to *float64) *variable[float64] {
	return &variable[float64]{
		to: to, want: "a number", arg: "<number>",
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

// duration is a string like "1m30s" or, in a file, a whole number of
// nanoseconds (COMPAT 2.2).
func duration(to *time.Duration) *variable[time.Duration] {
	return &variable[time.Duration]{
		to: to, want: `a duration such as "30s"`, arg: "<duration>",
		read: func(v any) (time.Duration, error) {
			if s, ok := v.(string); ok {
				d, err := time.ParseDuration(s)
				return d, unless(err == nil)
			}
			return readWhole[time.Duration](v)
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

// mode is the permission bits of a file: a number, or octal digits in a string.
func mode(to *fs.FileMode) *variable[fs.FileMode] {
	return &variable[fs.FileMode]{
		to: to, want: "an octal file mode such as 0644", arg: "<mode>",
		read: func(v any) (fs.FileMode, error) {
			if s, ok := v.(string); ok {
				m, err := strconv.ParseUint(s, 8, 12)
				return fs.FileMode(m), unless(err == nil)
			}
			i, err := readWhole[int64](v)
			return fs.FileMode(i), unless(err == nil && i >= 0 && i < 1<<32)
		},
		show: func(m fs.FileMode) string { return fmt.Sprintf("%#o", uint32(m)) },
	}
}

// list is strings. In a file a string is split at its commas (COMPAT 2.2); a
// flag adds one string as it is.
func list(to *[]string) *variable[[]string] {
	return &variable[[]string]{
		to: to, want: "a list of strings", arg: "<string>", read: readList,
		flag: func(s string) (any, error) { return []hcl1.Node{{Value: s}}, nil },
		show: func(list []string) string {
			quoted := make([]string, len(list))
			for i, s := range list {
				quoted[i] = hcl1.Quote(s)
			}
			return "[" + strings.Join(quoted, ", ") + "]"
		},
	}
}

// growingList is a list that later layers add to.
func growingList(to *[]string) *variable[[]string] {
	b := list(to)
	b.add = func(old, new []string) []string { return slices.Concat(old, new) }
	return b
}

func readList(v any) ([]string, error) {
	switch s, ok := v.(string); {
	case ok && s == "":
		return []string{}, nil
	case ok:
		return strings.Split(s, ","), nil
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

// counts is whole numbers by name, as { web = 2 }.
func counts(to *map[string]int) *variable[map[string]int] {
	return &variable[map[string]int]{
		to: to, want: "numbers by name, such as { web = 2 }", arg: "<numbers>",
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

// AtLeast is a whole number or a duration that must not be less than least, which is
// 0 or 1.
func AtLeast[T int | time.Duration](least T, to *T) Value {
	b := Setting{To: to}.value().(*variable[T])
	b.check = func(v T) error {
		switch {
		case v >= least:
			return nil
		case least > 0:
			return errors.New("must be more than 0")
		}
		return errors.New("cannot be negative")
	}
	return b
}

// ID is a whole number whose variable holds its digits, if nothing else.
func ID(to *string) Value {
	b := integer(new(int))
	b.check = func(id int) error {
		*to = cmp.Or(*to, strconv.Itoa(id))
		return nil
	}
	return b
}

// Not is a bool whose variable holds the opposite.
func Not(to *bool) Value {
	b := boolean(to)
	b.add = func(_, new bool) bool { return !new }
	b.show = func(v bool) string { return strconv.FormatBool(!v) }
	return b
}

// OneOf is one of some words. Messages do not list the word "".
func OneOf[T ~string](arg string, to *T, words ...T) Value {
	var quoted []string
	for _, word := range words {
		if word != "" {
			quoted = append(quoted, strconv.Quote(string(word)))
		}
	}
	last := len(quoted) - 1
	want := strings.Join(quoted[:last], ", ") + " or " + quoted[last]
	return Text(arg, want, func(s string) error {
		if !slices.Contains(words, T(s)) {
			return fmt.Errorf("expected %s, found %q", want, s)
		}
		*to = T(s)
		return nil
	}, func() string { return hcl1.Quote(string(*to)) })
}

// Permissions is the permission bits of a file, at least one.
func Permissions(to *fs.FileMode) Value {
	b := mode(to)
	b.check = func(m fs.FileMode) error {
		if m == 0 || m > 0o777 {
			return errors.New("expected the permission bits of a file, such as 0600; the 0 in front makes it octal")
		}
		return nil
	}
	return b
}

// Share is a fraction such as "50%" or 0.5. The variable is 0 where there is no limit;
// 0 itself is not a valid value.
func Share(to *float64) Value {
	b := number(to)
	readNumber, showNumber := b.read, b.show
	b.want, b.arg, b.flag = `a part such as "50%" or 0.5`, "<part>", nil
	b.read = func(v any) (float64, error) {
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
			return 0, fmt.Errorf("expected %s, found %q", b.want, s)
		}
		return f, nil
	}
	b.check = func(f float64) error {
		if f == 0 {
			return errors.New(`must be more than 0, such as "1%"`)
		}
		return nil
	}
	b.show = func(f float64) string {
		if f == 0 {
			f = 1 // the same as no limit
		}
		return showNumber(f)
	}
	return b
}

// Command is a program and its arguments, or one string for the shell.
// The string is split at its commas, as by consul-template (COMPAT Q4), but not where the
// text before the first comma is more than one word: that is no program.
func Command(to *[]string) Value {
	b := list(to)
	b.want, b.arg = `a command: a string, or a list such as ["program", "argument"]`, "<command>"
	b.read = func(v any) ([]string, error) {
		parts, err := readList(v)
		if s, ok := v.(string); ok && len(parts) > 1 && strings.ContainsAny(parts[0], " \t\r\n") {
			return []string{s}, nil
		}
		return parts, err
	}
	return b
}

// IsCommand reports whether args is a command: an empty list or program is none.
func IsCommand(args []string) bool { return len(args) > 0 && args[0] != "" }

// Union is a list of distinct strings. Later layers add to it.
func Union(to *[]string) Value {
	b := list(to)
	b.add = func(old, new []string) []string {
		for _, s := range new {
			if !slices.Contains(old, s) {
				old = append(slices.Clip(old), s)
			}
		}
		return old
	}
	return b
}

// Text is a string that parse reads, from flags and files. arg is its placeholder in
// the help. Where a file can set it, want is for "expected …", and show formats it as
// in a file.
func Text(arg, want string, parse func(text string) error, show func() string) Value {
	b := text(new(string))
	b.arg, b.want, b.check = arg, want, parse
	b.show = func(string) string {
		if show == nil {
			return ""
		}
		return show()
	}
	return b
}

// Program is a Command that is printed without its arguments and the variables set
// before it, which may be secrets.
func Program(to *[]string) Value {
	b := Command(to).(*variable[[]string])
	b.mask = func(command []string) []string {
		if !IsCommand(command) {
			return command
		}
		shown := []string{strings.Fields(command[0] + " ")[0]}
		if strings.Contains(shown[0], "=") {
			return []string{"***"}
		}
		if len(command) > 1 || shown[0] != command[0] {
			shown = append(shown, "***")
		}
		return shown
	}
	return b
}

// Variables is a list of variables, as K=V, that is printed without their values.
func Variables(to *[]string) Value {
	b := growingList(to)
	b.mask = func(list []string) []string {
		var shown []string
		for _, text := range list {
			name, _, _ := strings.Cut(text, "=")
			shown = append(shown, name+"=***")
		}
		return shown
	}
	return b
}
