package setting

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
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

// value returns what reads and shows the setting.
func (s Setting) value() Value {
	switch to := s.To.(type) {
	case Value:
		return to
	case *string:
		return &bound[string]{kind: text(), to: to}
	case *bool:
		return &bound[bool]{kind: boolean(), to: to}
	case *int:
		return &bound[int]{kind: integer[int](), to: to}
	case *int64:
		return &bound[int64]{kind: integer[int64](), to: to}
	case *float64:
		return &bound[float64]{kind: number(), to: to}
	case *time.Duration:
		return &bound[time.Duration]{kind: duration(), to: to}
	case *fs.FileMode:
		return &bound[fs.FileMode]{kind: mode(), to: to}
	case *os.Signal:
		return &bound[os.Signal]{kind: signal(), to: to}
	case *[]string:
		return &bound[[]string]{kind: list(), to: to, add: func(old, new []string) []string { return slices.Concat(old, new) }}
	case *map[string]int:
		return &bound[map[string]int]{kind: counts(), to: to}
	}
	panic(fmt.Sprintf("setting %s: no value is a %T", s.Key, s.To))
}

// A bound value is kept in a variable.
type bound[T any] struct {
	kind[T]
	to    *T
	add   func(old, new T) T // what values of two layers make together; nil: the last counts
	check func(T) error      // what is wrong with a value; nil: nothing
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
	return &bound[bool]{kind: boolean(), to: to, add: func(old, new bool) bool { return old || new }}
}

// Not is a bool that is the opposite of the variable.
func Not(to *bool) Value {
	b := &bound[bool]{kind: boolean(), to: to, add: func(_, new bool) bool { return !new }}
	show := b.show
	b.show = func(v bool) string { return show(!v) }
	return b
}

// OneOf is one of a few words, of which "" goes without saying.
func OneOf(arg string, to *string, words ...string) Value {
	b := &bound[string]{kind: text(), to: to}
	b.arg, b.want = arg, choice(words)
	b.check = func(s string) error {
		if !slices.Contains(words, s) {
			return fmt.Errorf("expected %s, found %q", b.want, s)
		}
		return nil
	}
	return b
}

// Permissions is a file mode that somebody must be able to use.
func Permissions(to *fs.FileMode) Value {
	return &bound[fs.FileMode]{kind: mode(), to: to, check: func(m fs.FileMode) error {
		if m == 0 || m > 0o777 {
			return errors.New("expected the permission bits of a file, such as 0600; the 0 in front makes it octal")
		}
		return nil
	}}
}

// Share is a part of the whole, "50%" or 0.5. The zero of the variable is no
// limit, and cannot be written.
func Share(to *float64) Value {
	return &bound[float64]{kind: share(), to: to, check: func(f float64) error {
		if f == 0 {
			return errors.New(`must be more than 0, such as "1%"`)
		}
		return nil
	}}
}

// Command is a program and its arguments; a string is one element.
func Command(to *[]string) Value { return &bound[[]string]{kind: command(), to: to} }

// IsCommand reports whether there is something to run.
func IsCommand(args []string) bool { return len(args) > 0 && args[0] != "" }

// Union is a list to which a file adds what is not in it yet.
func Union(to *[]string) Value {
	return &bound[[]string]{kind: list(), to: to, add: func(old, new []string) []string {
		for _, s := range new {
			if !slices.Contains(old, s) {
				old = append(slices.Clip(old), s)
			}
		}
		return old
	}}
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
