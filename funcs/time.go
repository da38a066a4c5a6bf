package funcs

import (
	"fmt"
	"strconv"
	"text/template"
	"time"
)

// timeFuncs returns the function that tells the time (COMPAT 3.9).
func (e *Env) timeFuncs() template.FuncMap {
	return template.FuncMap{"timestamp": e.timestamp}
}

// timestamp returns the time in UTC: as RFC 3339 has it, in seconds since 1970
// for "unix", or in a layout of Go's. That it passes renders nothing anew.
func (e *Env) timestamp(layout ...string) (string, error) {
	now := e.Now().UTC()
	switch {
	case len(layout) == 0:
		return now.Format(time.RFC3339), nil
	case len(layout) > 1:
		return "", fmt.Errorf("timestamp: wrong number of arguments, expected 0 or 1, but got %d", len(layout))
	case layout[0] == "unix":
		return strconv.FormatInt(now.Unix(), 10), nil
	default:
		return now.Format(layout[0]), nil
	}
}
