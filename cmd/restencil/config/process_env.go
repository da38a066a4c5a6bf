package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An environment is environment variables in the form of os.Environ. Of
// several of one name the last counts.
type environment []string

// lookup returns the value of a variable.
func (e environment) lookup(name string) (value string, ok bool) {
	for _, v := range slices.Backward(e) {
		if key, value, _ := strings.Cut(v, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// get returns the value of a variable without white space around it, "" where
// there is none.
func (e environment) get(name string) string {
	value, _ := e.lookup(name)
	return strings.TrimSpace(value)
}

// fill gives the settings that nobody wrote the values of their environment
// variables. An empty variable counts as unset, and so does one that does not
// parse, with a warning.
func (c *Config) fill(settings []setting) {
	for _, s := range settings {
		if s.env == "" || c.isSet(s.key) {
			continue
		}
		for _, name := range strings.Fields(s.env) {
			if c.fillFrom(s, name) {
				break
			}
		}
	}
}

// fillFrom tries one variable; a "!" before its name inverts a bool.
func (c *Config) fillFrom(s setting, name string) bool {
	name, invert := strings.CutPrefix(name, "!")
	value := c.environ.get(name)
	if value == "" {
		return false
	}
	if b, err := strconv.ParseBool(value); invert && err == nil {
		value = strconv.FormatBool(!b)
	}
	if err := s.value.fromText(value); err != nil {
		c.warn(Diagnostic{Message: fmt.Sprintf("environment variable %s is ignored: %s", name, reason(err))})
		return false
	}
	c.origins[s.key] = Origin{Env: name}
	return true
}

func (c *Config) warn(d Diagnostic) { c.Warnings = append(c.Warnings, d) }
