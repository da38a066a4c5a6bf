package local

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// readers says for each field of a table what reads its value.
type readers map[string]func(*value) error

// readFields gives each field of v to its reader. What names the table in
// errors, as in "a service". Fields that hold nothing count as not written.
func readFields(v *value, what string, fields readers) error {
	if v.kind != table {
		return v.errorf("%s is a map, not %s", what, v.kind)
	}
	for _, f := range v.fields {
		read, ok := fields[f.name]
		if !ok {
			return f.errorf("%s has no %q%s", what, f.name, suggest(f.name, slices.Sorted(maps.Keys(fields))))
		}
		if f.value.kind == null {
			continue
		}
		if err := read(f.value); err != nil {
			return err
		}
	}
	return nil
}

// suggest returns " (did you mean …?)" with the name that is nearest to what
// was written, or where none is near, " (known: …)" with all of them.
func suggest(written string, names []string) string {
	best, distance := "", 3
	for _, name := range names {
		d := levenshtein.Distance(strings.ToLower(written), name, nil)
		if d < distance && d < len(name) {
			best, distance = name, d
		}
	}
	if best == "" {
		return " (known: " + strings.Join(names, ", ") + ")"
	}
	return " (did you mean " + strconv.Quote(best) + "?)"
}

// setText reads a text into dst.
func setText(dst *string) func(*value) error {
	return func(v *value) (err error) {
		*dst, err = readText(v)
		return err
	}
}

func readText(v *value) (string, error) {
	switch v.kind {
	case scalar:
		return v.text, nil
	case null:
		return "", nil
	}
	return "", v.errorf("a text stands here, not %s", v.kind)
}

// setNumber reads a whole number from 0 to limit into dst.
func setNumber(dst *int, what string, limit int) func(*value) error {
	return func(v *value) error {
		n, err := strconv.Atoi(v.text)
		if v.kind != scalar || err != nil || n < 0 || n > limit {
			return v.errorf("%s is a number from 0 to %d", what, limit)
		}
		*dst = n
		return nil
	}
}

// setFlag reads true or false into dst.
func setFlag(dst *bool, what string) func(*value) error {
	return func(v *value) error {
		if v.kind != scalar || v.text != "true" && v.text != "false" {
			return v.errorf("%s is true or false", what)
		}
		*dst = v.text == "true"
		return nil
	}
}

// setTexts reads a list of texts, or one text, into dst.
func setTexts(dst *[]string) func(*value) error {
	return func(v *value) error {
		texts := []string{}
		for _, item := range listOf(v) {
			text, err := readText(item)
			if err != nil {
				return err
			}
			texts = append(texts, text)
		}
		*dst = texts
		return nil
	}
}

// setTextMap reads a map of texts into dst.
func setTextMap(dst *map[string]string, what string) func(*value) error {
	return func(v *value) error {
		if v.kind != table {
			return v.errorf("%s is a map, not %s", what, v.kind)
		}
		m := make(map[string]string, len(v.fields))
		for _, f := range v.fields {
			text, err := readText(f.value)
			if err != nil {
				return err
			}
			m[f.name] = text
		}
		*dst = m
		return nil
	}
}

// listOf returns the items of a list. Nothing is an empty list, and anything
// else a list of itself.
func listOf(v *value) []*value {
	switch v.kind {
	case list:
		return v.items
	case null:
		return nil
	}
	return []*value{v}
}
