package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// reason returns what strconv has to say without its function and input.
func reason(err error) error {
	var n *strconv.NumError
	if errors.As(err, &n) {
		return n.Err
	}
	return err
}
