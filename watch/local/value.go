package local

import (
	"fmt"
	"slices"
	"strings"
)

// A ParseError says what is wrong with a data file, and where.
type ParseError struct {
	File   string
	Line   int // 1 and up; 0: the whole file
	Column int // 1 and up; 0: the whole line
	Msg    string
}

// Error is one line: file:line:column: message.
func (e *ParseError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	for _, n := range []int{e.Line, e.Column} {
		if n == 0 {
			break
		}
		fmt.Fprintf(&b, ":%d", n)
	}
	return b.String() + ": " + e.Msg
}

// A position is a place in the data file; zero: not known.
type position struct{ line, column int }

// errorf returns the error that something is wrong at p. The file's name is
// added by Parse.
func (p position) errorf(format string, args ...any) error {
	return &ParseError{Line: p.line, Column: p.column, Msg: fmt.Sprintf(format, args...)}
}

// A value is one value of a data file, of whichever format: the three formats
// are read into trees of these, and everything else works on the trees.
type value struct {
	position
	kind   kind
	text   string   // scalar: as it is written, without quotes and escapes
	fields []field  // table, in the order of the file; no two have the same name
	items  []*value // list
	size   int      // how many values it is, itself included
}

// A field is one entry of a table.
type field struct {
	position
	name  string
	value *value
}

// has tells whether a table has a field of this name, be it with nothing.
func (v *value) has(name string) bool {
	return slices.ContainsFunc(v.fields, func(f field) bool { return f.name == name })
}

type kind int

const (
	null kind = iota // nothing is written, or null
	scalar
	list
	table
)

func (k kind) String() string {
	return [...]string{"nothing", "a text", "a list", "a map"}[k]
}

// maxDepth bounds how deep values nest, which bounds the stack.
const maxDepth = 100

// A tableBuilder collects the fields of a table.
type tableBuilder struct {
	table *value
	index map[string]int // of each name in table.fields
}

func newTable(p position) *tableBuilder {
	return &tableBuilder{table: &value{position: p, kind: table, size: 1}, index: make(map[string]int)}
}

// add adds a field; a name that is there already is an error.
func (b *tableBuilder) add(f field) error {
	if i, ok := b.index[f.name]; ok {
		return f.errorf("%q is given twice, first on line %d", f.name, b.table.fields[i].line)
	}
	b.index[f.name] = len(b.table.fields)
	b.table.fields = append(b.table.fields, f)
	b.table.size += f.value.size
	return nil
}

// addDefault adds a field unless there is one of its name.
func (b *tableBuilder) addDefault(f field) {
	if _, ok := b.index[f.name]; !ok {
		_ = b.add(f)
	}
}
