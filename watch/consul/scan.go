package consul

import "bytes"

// The functions of this file find their way through JSON. They do not judge
// it: what they return 0 for is put to encoding/json, and so is what stands
// between the ends that they find.

// deepest bounds how deeply what extent measures may be nested, far below
// what encoding/json takes.
const deepest = 1000

// skip returns the place of the first byte from i on that is not white space.
func skip(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// extent returns the length of the object that b begins with, if what b begins
// with is one; 0 where it has no end.
func extent(b []byte) int {
	if len(b) == 0 || b[0] != '{' {
		return 0
	}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := closing(b[i:])
			if n == 0 {
				return 0
			}
			i += n
		case '{', '[':
			if depth++; depth > deepest {
				return 0
			}
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// closing returns the place of the quote that ends the string that b begins
// with; 0 where there is none.
func closing(b []byte) int {
	for i := 1; ; i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return 0
		}
		i += n
		if !escaped(b[:i]) {
			return i
		}
	}
}

// escaped tells whether what follows b, within a string, is escaped.
func escaped(b []byte) bool {
	n := len(b) - len(bytes.TrimRight(b, `\`))
	return n%2 == 1
}

// plainText returns the string that b begins with and the length that it has
// in b, with its quotes. The length is 0 where it is no string of plain ASCII
// characters that stand for themselves.
func plainText(b []byte) ([]byte, int) {
	if len(b) == 0 || b[0] != '"' {
		return nil, 0
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return b[1:i], i + 1
		case c < ' ' || c == '\\' || c >= 0x80:
			return nil, 0
		}
	}
	return nil, 0
}

// plainNumber returns the number that b begins with and its length, which is 0
// where it is no integer of at most 19 digits. What follows it is for the
// caller to look at.
func plainNumber(b []byte) (v uint64, n int) {
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		v = v*10 + uint64(b[n]-'0')
		n++
	}
	if n > 19 || n > 1 && b[0] == '0' {
		return 0, 0
	}
	return v, n
}
