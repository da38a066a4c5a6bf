package setting

import (
	"errors"
	"fmt"
	"io/fs"
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
		return &bound[os.Signal]{to: to, want: `the name of a signal such as "SIGTERM"`, arg: "<signal>", flag: checkSignal, read: readSignal, show: showSignal}
	case *[]string:
		b := list(to)
		b.add = func(old, new []string) []string { return slices.Concat(old, new) }
		return b
	case *map[string]int:
		return &bound[map[string]int]{to: to, want: "numbers by name, such as { web = 2 }", arg: "<numbers>", read: readCounts, show: showCounts}
	}
	panic(fmt.Sprintf("setting %s: no value is a %T", s.Key, s.To))
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
	flag := func(s string) (any, error) { return strconv.ParseFloat(s, 64) }
	return &bound[float64]{to: to, want: "a number", arg: "<number>", flag: flag, read: readNumber, show: showNumber}
}

// duration is a string like "1m30s" or, in a file, a whole number of
// nanoseconds (COMPAT 2.2).
func duration(to *time.Duration) *bound[time.Duration] {
	show := func(d time.Duration) string { return hcl1.Quote(ShortDuration(d)) }
	return &bound[time.Duration]{to: to, want: `a duration such as "30s"`, arg: "<duration>", read: readDuration, show: show}
}

// mode is the permission bits of a file: a number as it is, or octal digits in
// a string.
func mode(to *fs.FileMode) *bound[fs.FileMode] {
	show := func(m fs.FileMode) string { return fmt.Sprintf("0%o", uint32(m)) }
	return &bound[fs.FileMode]{to: to, want: "an octal file mode such as 0644", arg: "<mode>", read: readMode, show: show}
}

// list is strings. In a file a string is split at its commas (COMPAT 2.2); a
// flag adds one string as it is.
func list(to *[]string) *bound[[]string] {
	flag := func(s string) (any, error) { return []hcl1.Node{{Value: s}}, nil }
	return &bound[[]string]{to: to, want: "a list of strings", arg: "<string>", flag: flag, read: readList, show: showList}
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
func OneOf(arg string, to *string, words ...string) Value {
	b := text(to)
	b.arg, b.want = arg, choice(words)
	b.check = func(s string) error {
		if !slices.Contains(words, s) {
			return fmt.Errorf("expected %s, found %q", b.want, s)
		}
		return nil
	}
	return b
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
	b.want, b.arg, b.flag, b.read = wantShare, "<part>", nil, readShare
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
	b.want, b.arg, b.read = `a command: a string, or a list such as ["program", "argument"]`, "<command>", readCommand
	return b
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

// Text is a value that has a form of its own, for flags and files alike.
type Text struct {
	Parse       func(text string) error
	Print       func() string // as a file would have it; nil: no file can say it
	Want        string        // for "expected …"; "" where no file can say it
	Placeholder string
}

func (t Text) Set(text string) error { return t.Parse(text) }
func (t Text) Arg() string           { return t.Placeholder }

func (t Text) Show() string {
	if t.Print == nil {
		return ""
	}
	return t.Print()
}

func (t Text) Decode(n hcl1.Node) error {
	s, ok := n.Value.(string)
	if !ok {
		return fmt.Errorf("expected %s, found %v", t.Want, n)
	}
	return t.Parse(s)
}
