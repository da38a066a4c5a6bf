package funcs

import (
	"fmt"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/davecgh/go-spew/spew"
	sockaddr "github.com/hashicorp/go-sockaddr/template"
)

// hostFuncs returns the functions that ask this host: for environment
// variables, the time (COMPAT 3.9), addresses (COMPAT 3.11, in the language of
// go-sockaddr), what a program prints, and how values look.
func (e *Env) hostFuncs() template.FuncMap {
	return template.FuncMap{
		"env":          e.env,
		"envOrDefault": e.envOrDefault,
		"mustEnv":      e.mustEnv,
		"timestamp":    e.timestamp,
		"sockaddr": func(expression ...string) (string, error) {
			return sockaddr.Parse("{{ " + strings.Join(expression, " ") + " }}")
		},
		"plugin": e.plugin,

		// Values in every detail (COMPAT 3.9).
		"spew_sdump":   spew.Sdump,
		"spew_sprintf": spew.Sprintf,
		"spew_dump": func(values ...any) string {
			e.execution.Print(spew.Sdump(values...))
			return ""
		},
		"spew_printf": func(format string, values ...any) string {
			e.execution.Print(spew.Sprintf(format, values...))
			return ""
		},
	}
}

// env returns a variable, empty where it is not set.
func (e *Env) env(name string) string {
	value, _ := e.LookupEnv(name)
	return value
}

// mustEnv returns a variable, and fails where it is not set or empty.
func (e *Env) mustEnv(name string) (string, error) {
	value, _ := e.LookupEnv(name)
	if value == "" {
		return "", fmt.Errorf("required environment variable %s is empty", name)
	}
	return value, nil
}

// envOrDefault returns a variable, be it empty, or fallback where it is not
// set.
func (e *Env) envOrDefault(name, fallback string) string {
	if value, ok := e.LookupEnv(name); ok {
		return value
	}
	return fallback
}

// timestamp returns the time in UTC: as RFC 3339 has it, in seconds since 1970
// for "unix", or in a layout of Go's. That it passes renders nothing anew.
func (e *Env) timestamp(layout ...string) (string, error) {
	now := time.Now().UTC()
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
