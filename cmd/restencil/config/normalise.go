package config

import (
	"fmt"
	"strings"
)

// A normaliser rewrites a file that was written for HCL 1 so that hcl/v2 finds
// the same structure in it.
//
// The whole file becomes one object expression, because only there may a key
// be written twice and a value be put in place of a block. What hcl/v2 would
// read otherwise is masked, byte for byte: strings and heredocs (where "${"
// and "%{" are plain text in HCL 1), numbers (0600 is octal) and keys. Their
// values come from the tokens. What HCL 1 lets people leave out is added: "="
// before the brace of a block, "," between settings on one line.
type normaliser struct {
	*source
	json     bool
	tokens   []token
	text     []byte // of the source, masked
	adds     []addition
	stack    []bracket
	problems Diagnostics
}

// A bracket is an open one.
type bracket struct {
	opener token
	list   bool
	extra  int  // closing braces owed for labels, which became blocks
	state  step // within an object
}

// A step is how far the reading of one setting has come.
type step int

const (
	stepKey   step = iota // a key or the end is next
	stepValue             // "=" was read
	stepNamed             // a key was read
	stepDone              // a value was read
)

// maxDepth is how deep brackets may nest; no configuration needs more than 5.
const maxDepth = 50

// normalise returns the skeleton of a source, or what is wrong with it.
func normalise(src *source, tokens []token, json bool) (skeleton, Diagnostics) {
	n := &normaliser{source: src, json: json, tokens: tokens, text: maskComments(src, tokens)}
	if json {
		n.stack = []bracket{{state: stepValue}} // the one object
	} else {
		n.stack = []bracket{{state: stepKey}}
		n.add(0, "{")
	}
	for i := range tokens {
		if n.problems == nil {
			n.step(i)
		}
	}
	n.checkEnd()
	if !json {
		n.add(len(src.text), "\n}")
	}
	return n.join(), n.problems
}

// maskComments returns the text with nothing but its tokens and newlines.
func maskComments(src *source, tokens []token) []byte {
	text := []byte(src.text)
	at := 0
	blankOut := func(end int) {
		for ; at < end; at++ {
			if text[at] != '\n' {
				text[at] = ' '
			}
		}
	}
	for _, t := range tokens {
		blankOut(t.start)
		at = t.end
	}
	blankOut(len(text))
	return text
}

func (n *normaliser) add(offset int, text string) {
	n.adds = append(n.adds, addition{offset: offset, text: text})
}

// mask hides a literal or a key from hcl/v2. Its length stays.
func (n *normaliser) mask(t token) {
	fill, quote := byte('x'), false
	switch t.kind {
	case tokenString, tokenHeredoc:
		quote = true
	case tokenNumber:
		fill = '1'
	}
	for i := t.start; i < t.end; i++ {
		n.text[i] = fill
	}
	if quote && t.end-t.start > 1 {
		n.text[t.start], n.text[t.end-1] = '"', '"'
	}
}

// punctuation returns the character of a punctuation token, 0 for another.
func (n *normaliser) punctuation(t token) byte {
	if t.kind != tokenPunctuation {
		return 0
	}
	return n.source.text[t.start]
}

// step takes the token at i.
func (n *normaliser) step(i int) {
	top := &n.stack[len(n.stack)-1]
	t := n.tokens[i]
	c := n.punctuation(t)
	closes := c == '}' || c == ']'
	switch {
	case (closes || c == ',') && top.state == stepValue:
		n.missing(n.tokens[i-1], "a value is missing after this")
	case closes && top.state == stepNamed:
		n.missing(n.tokens[i-1], "this key has no value")
	case closes:
		n.close(t, c)
	case top.list:
		n.element(i, c)
	case top.state == stepValue:
		n.joinLines(i)
		n.value(t, c, top)
	case top.state == stepNamed:
		n.afterKey(i, c, top)
	case c == ',' && top.state == stepDone:
		top.state = stepKey
	default:
		n.key(i, top)
	}
}

// element takes a token of a list. HCL 1 does not mind commas too many.
func (n *normaliser) element(i int, c byte) {
	if c != ',' {
		n.value(n.tokens[i], c, nil)
		return
	}
	if before := n.punctuation(n.tokens[i-1]); before == ',' || before == '[' {
		n.text[n.tokens[i].start] = ' '
	}
}

// value takes the first token of a value; of is the object it is for, or nil.
func (n *normaliser) value(t token, c byte, of *bracket) {
	if of != nil {
		of.state = stepDone
	}
	switch c {
	case '{', '[':
		n.open(t, c == '[')
	case 0:
		if t.kind != tokenIdentifier && t.kind != tokenBool && t.kind != tokenNull {
			n.mask(t)
		}
	}
}

// key takes the first token of a setting.
func (n *normaliser) key(i int, top *bracket) {
	t := n.tokens[i]
	if top.state == stepDone && i > 0 && !n.newlineBefore(i) {
		n.add(t.start, ",")
	}
	if t.kind != tokenIdentifier && t.kind != tokenString {
		n.problem(t, "expected the name of a setting or block, found "+n.source.text[t.start:t.end], "")
	}
	n.mask(t)
	top.state = stepNamed
}

// afterKey takes what follows a key: "=", the brace of a block, or a label.
func (n *normaliser) afterKey(i int, c byte, top *bracket) {
	t := n.tokens[i]
	switch {
	case c == '=' || c == ':':
		n.joinLines(i)
		top.state = stepValue
	case c == '{' && !n.json:
		n.joinLines(i)
		n.add(t.start, "=")
		n.value(t, c, top)
	case n.isLabel(i):
		n.joinLines(i)
		n.add(t.start, "={")
		n.mask(t)
		top.extra++
	default:
		n.missing(t, "expected a value or block before this")
	}
}

// isLabel reports whether the name at i leads to a block.
func (n *normaliser) isLabel(i int) bool {
	for ; i < len(n.tokens) && !n.json; i++ {
		if k := n.tokens[i].kind; k != tokenIdentifier && k != tokenString {
			return n.punctuation(n.tokens[i]) == '{'
		}
	}
	return false
}

// newlineBefore reports whether a newline stands before the token at i.
func (n *normaliser) newlineBefore(i int) bool {
	gap := n.text[n.tokens[i-1].end:n.tokens[i].start]
	return strings.Contains(string(gap), "\n")
}

// joinLines takes away newlines before the token at i, where hcl/v2 would end
// the setting.
func (n *normaliser) joinLines(i int) {
	if i == 0 {
		return
	}
	for at := n.tokens[i-1].end; at < n.tokens[i].start; at++ {
		n.text[at] = ' '
	}
}

func (n *normaliser) open(t token, list bool) {
	if len(n.stack) == maxDepth {
		n.problem(t, "this is nested too deep", "")
		return
	}
	n.stack = append(n.stack, bracket{opener: t, list: list})
}

func (n *normaliser) close(t token, c byte) {
	top := n.stack[len(n.stack)-1]
	switch {
	case len(n.stack) == 1:
		n.problem(t, fmt.Sprintf("%q closes nothing", c), "")
		return
	case top.list != (c == ']'):
		n.problem(t, fmt.Sprintf("%q cannot close the %q of %s", c, n.punctuation(top.opener), n.position(top.opener.start)), "")
		return
	}
	n.stack = n.stack[:len(n.stack)-1]
	below := &n.stack[len(n.stack)-1]
	n.add(t.end, strings.Repeat("}", below.extra))
	below.extra = 0
}

// checkEnd complains of what the end of the file cuts short.
func (n *normaliser) checkEnd() {
	top := n.stack[len(n.stack)-1]
	switch {
	case n.problems != nil:
	case len(n.stack) > 1:
		n.problem(top.opener, fmt.Sprintf("this %q is never closed", n.punctuation(top.opener)), "")
	case top.state == stepValue:
		n.missing(n.tokens[len(n.tokens)-1], "a value is missing after this")
	case top.state == stepNamed:
		n.missing(n.tokens[len(n.tokens)-1], "this key has no value")
	}
}

// missing complains, at a token, of a key that lacks its value.
func (n *normaliser) missing(at token, message string) {
	hint := "write key = value, or key { … } for a block"
	if n.json {
		hint = `write "key": value`
	}
	n.problem(at, message, hint)
}

func (n *normaliser) problem(t token, message, hint string) {
	n.problems = append(n.problems, n.diagnose(t.start, t.end, message, hint))
}
