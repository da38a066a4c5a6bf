package config

import (
	"strings"
)

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
			return nil, &elementError{node: item, want: "a list of strings"}
		}
		list[i] = s
	}
	return list, nil
}

// An elementError says which element of a list or map is of the wrong kind.
type elementError struct {
	node
	want string
}

func (e *elementError) Error() string {
	return "expected " + e.want + ", found " + e.what() + " in it"
}
