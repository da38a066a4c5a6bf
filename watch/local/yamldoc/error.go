package yamldoc

import (
	"errors"
	"strconv"
)

// An Error says what is wrong with a file, and where.
type Error struct {
	File   string
	Line   int // 1 and up; 0: the whole file
	Column int // 1 and up; 0: the whole line
	Msg    string
}

// Error is one line: file:line:column: message.
func (e *Error) Error() string {
	text := e.File
	for _, n := range []int{e.Line, e.Column} {
		if n > 0 {
			text += ":" + strconv.Itoa(n)
		}
	}
	return text + ": " + e.Msg
}

// InFile sets the file of an *Error that has none, and returns err.
func InFile(name string, err error) error {
	if wrong, ok := errors.AsType[*Error](err); ok && wrong.File == "" {
		wrong.File = name
	}
	return err
}
