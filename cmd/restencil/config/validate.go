package config

import (
	"errors"
	"fmt"
	"slices"
)

// logLevels are the values of log_level.
func logLevels() []string { return []string{"TRACE", "DEBUG", "INFO", "WARN", "ERR"} }

// validate says what is wrong with the whole.
func (c *Config) validate() error {
	var errs []error
	if !slices.Contains(logLevels(), c.LogLevel) {
		errs = append(errs, fmt.Errorf("invalid log level %q, valid log levels are TRACE, DEBUG, INFO, WARN, ERR", c.LogLevel))
	}
	errs = append(errs, checkWaitAt(c.Wait, c.origins["wait.min"]))
	for _, t := range c.Templates {
		errs = append(errs, checkWaitAt(t.Wait, t.origins["wait.min"]))
	}
	return errors.Join(errs...)
}

// checkWaitAt says what is wrong with a wait that is on, and where.
func checkWaitAt(w Wait, at Origin) error {
	if err := checkWait(w.Min, w.Max); w.Enabled && err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

// warnSharedDestinations tells of templates that overwrite each other.
func (c *Config) warnSharedDestinations() {
	first := make(map[string]Origin)
	for _, t := range c.Templates {
		if t.Destination == "" {
			continue
		}
		if at, taken := first[t.Destination]; taken {
			c.warn(Diagnostic{
				Position: t.At.Position,
				Message:  fmt.Sprintf("two templates have the destination %s: this one and that of %s", t.Destination, at),
				Hint:     "each overwrites what the other wrote",
			})
			continue
		}
		first[t.Destination] = t.At
	}
}
