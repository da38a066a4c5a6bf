package lint

import (
	"strings"
	"text/template/parse"

	"restencil/watch/lazyregexp"
)

// blocks follows which blocks of a file in the manner of nginx a text leaves open.
type blocks struct {
	open      []*block
	around    []branch // that the text stands in, the innermost last
	statement []byte   // since the last brace, semicolon or comment
	comment   bool
}

// maxOpen is how many blocks in blocks are followed.
const maxOpen = 1000

// A block is one in braces.
type block struct {
	upstream bool     // of nginx, which must have a server
	depth    int      // of blocks.around where it begins
	filled   bool     // it has a server whatever the lists are
	lists    []branch // that its servers come from
}

// A branch is a list of an if, with or range.
type branch struct {
	pos       parse.Pos
	list      string // that the range goes through and that may be empty, or ""
	otherwise bool   // it is what stands after else
}

var (
	upstream = lazyregexp.New(`(?m)^\s*upstream\s+\S+\s*\z`)
	server   = lazyregexp.New(`(?m)^\s*(server|include)\s`)
)

// write goes on with a text. At the end of an upstream that may be left without a
// server it calls empty with the range that its servers come from.
func (b *blocks) write(text string, empty func(branch)) {
	for i := range len(text) {
		switch char := text[i]; {
		case b.comment:
			b.comment = char != '\n'
		case char == '#' && (len(b.statement) == 0 || strings.IndexByte(" \t\n", b.statement[len(b.statement)-1]) >= 0):
			b.comment = true
		case char == '{':
			if len(b.open) == maxOpen {
				continue // it is no configuration of nginx
			}
			b.open = append(b.open, &block{upstream: upstream.Get().Match(b.statement), depth: len(b.around)})
			b.statement = nil
		case char == ';':
			b.end()
		case char == '}':
			b.statement = nil
			if len(b.open) == 0 {
				continue
			}
			last := b.open[len(b.open)-1]
			b.open = b.open[:len(b.open)-1]
			if last.upstream && !last.filled && len(last.lists) > 0 {
				empty(last.lists[0])
			}
		default:
			b.statement = append(b.statement, char)
		}
	}
}

// end takes note of a statement.
func (b *blocks) end() {
	statement := b.statement
	b.statement = nil
	if len(b.open) == 0 || !server.Get().Match(statement) {
		return
	}
	in := b.open[len(b.open)-1]
	inner := b.around[min(in.depth, len(b.around)):]
	in.filled = in.filled || len(inner) == 0
	for _, branch := range inner {
		in.filled = in.filled || branch.otherwise
		if branch.list != "" {
			in.lists = append(in.lists, branch)
		}
	}
}
