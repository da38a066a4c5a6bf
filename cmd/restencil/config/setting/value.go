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

// A Value reads and shows the value of a setting.
type Value interface {
	Set(text string) error    // as a flag or an environment variable says
	Decode(n hcl1.Node) error // as a file says
	Show() string             // as a file would have it, "" where no file can say it
	Arg() string              // what stands for it in the help, "" for a switch
}

// A bound value is kept in a variable.
type bound[T any] struct {
	to    *T
	want  string                    // for "expected …"
	arg   string                    // what stands for a value in the help
	flag  func(string) (any, error) // what a file would have for the text of a flag; nil: a string
	read  func(any) (T, error)      // the Value of a node; errKind where it is of another kind
	show  func(T) string            // as a file would have it
	add   func(old, new T) T        // what values of two layers make together; nil: the last counts
	check func(T) error             // what is wrong with a value; nil: nothing
}

func (b *bound[T]) Show() string { return b.show(*b.to) }
func (b *bound[T]) Arg() string  { return b.arg }

func (b *bound[T]) Set(text string) error {
	n := hcl1.Node{Value: text}
	if b.flag != nil {
		var err error
		if n.Value, err = b.flag(text); err != nil {
			return err
		}
	}
	return b.Decode(n)
}

func (b *bound[T]) Decode(n hcl1.Node) error {
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

// errKind says that a value of a file is of another kind than its setting.
var errKind = errors.New("wrong kind of value")

// An elementError says which element of a list or map is of the wrong kind.
type elementError struct {
	hcl1.Node
	want string
}

func (e *elementError) Error() string {
	return fmt.Sprintf("expected %s, found %v in it", e.want, e.Node)
}

// value returns what reads and shows the setting.
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
		b := list(to)
		b.add = func(old, new []string) []string { return slices.Concat(old, new) }
		return b
	case *map[string]int:
		return counts(to)
	}
	panic(fmt.Sprintf("setting %s: no value is a %T", s.Key, s.To))
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

func text(to *string) *bound[string] {
	return &bound[string]{to: to, want: "a string", arg: "<string>", read: as[string], show: hcl1.Quote}
}

func boolean(to *bool) *bound[bool] {
	flag := func(s string) (any, error) { return strconv.ParseBool(s) }
	return &bound[bool]{to: to, want: "true or false", flag: flag, read: as[bool], show: strconv.FormatBool}
}

func integer[T int | int64](to *T) *bound[T] {
	flag := func(s string) (any, error) { return strconv.ParseInt(s, 10, 32) }
	show := func(i T) string { return strconv.FormatInt(int64(i), 10) }
	return &bound[T]{to: to, want: "a whole number", arg: "<n>", flag: flag, read: readWhole[T], show: show}
}

func number(to *float64) *bound[float64] {
	return &bound[float64]{
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
func duration(to *time.Duration) *bound[time.Duration] {
	return &bound[time.Duration]{
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

// mode is the permission bits of a file: a number as it is, or octal digits in
// a string.
func mode(to *fs.FileMode) *bound[fs.FileMode] {
	return &bound[fs.FileMode]{
		to: to, want: "an octal file mode such as 0644", arg: "<mode>",
		read: func(v any) (fs.FileMode, error) {
			if s, ok := v.(string); ok {
				m, err := strconv.ParseUint(s, 8, 12)
				return fs.FileMode(m), unless(err == nil)
			}
			i, err := readWhole[int64](v)
			return fs.FileMode(i), unless(err == nil && i >= 0 && i < 1<<32)
		},
		show: func(m fs.FileMode) string { return fmt.Sprintf("0%o", uint32(m)) },
	}
}

// list is strings. In a file a string is split at its commas (COMPAT 2.2); a
// flag adds one string as it is.
func list(to *[]string) *bound[[]string] {
	return &bound[[]string]{
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

// splitList splits at commas; the empty string is the empty list.
func splitList(s string) []string {
	if s == "" {
		return []string{}
	}
	return strings.Split(s, ",")
}

// counts is whole numbers by name, as { web = 2 }.
func counts(to *map[string]int) *bound[map[string]int] {
	return &bound[map[string]int]{
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

// AtLeast is a whole number or a duration that cannot be less than least, which
// is 0 or what comes next.
func AtLeast[T int | time.Duration](least T, to *T) Value {
	b := Setting{To: to}.value().(*bound[T])
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

// AnyTrue is a bool that no later layer takes back.
func AnyTrue(to *bool) Value {
	b := boolean(to)
	b.add = func(old, new bool) bool { return old || new }
	return b
}

// Not is a bool that is the opposite of the variable.
func Not(to *bool) Value {
	b := boolean(to)
	b.add = func(_, new bool) bool { return !new }
	b.show = func(v bool) string { return strconv.FormatBool(!v) }
	return b
}

// OneOf is one of a few words, of which "" goes without saying.
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

// Permissions is a file mode that somebody must be able to use.
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

// Share is a part of the whole, "50%" or 0.5. The zero of the variable is no
// limit, and cannot be written.
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
			f = 1 // all may be lost: no limit either
		}
		return showNumber(f)
	}
	return b
}

// Command is a program and its arguments; a string is one element.
func Command(to *[]string) Value {
	b := list(to)
	b.want, b.arg = `a command: a string, or a list such as ["program", "argument"]`, "<command>"
	b.read = func(v any) ([]string, error) {
		if s, ok := v.(string); ok {
			return splitCommand(s), nil
		}
		return readList(v)
	}
	return b
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

// IsCommand reports whether there is something to run.
func IsCommand(args []string) bool { return len(args) > 0 && args[0] != "" }

// Union is a list to which a file adds what is not in it yet.
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

// Text is a value that has a form of its own, which parse reads, for flags and
// files alike. arg stands for it in the help. Where a file can say it, want is
// for "expected …", and show returns it as the file would have it.
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

// Program is a Command that is printed without its arguments, and without what is
// set before it: a secret may be there.
func Program(to *[]string) Value {
	return partlySecret{Command(to).(*bound[[]string]), func(command []string) []string {
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
	}}
}

// Variables is a list of variables, as K=V, that is printed without their values.
func Variables(to *[]string) Value {
	return partlySecret{Setting{To: to}.value().(*bound[[]string]), func(list []string) []string {
		var shown []string
		for _, text := range list {
			name, _, _ := strings.Cut(text, "=")
			shown = append(shown, name+"=***")
		}
		return shown
	}}
}

// A partlySecret value is a list that is printed without its secrets.
type partlySecret struct {
	*bound[[]string]
	shown func([]string) []string
}

// printed returns what Print writes in place of Show.
func (p partlySecret) printed() string { return p.show(p.shown(*p.to)) }
