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
	if !slices.Contains([]string{"text", "json"}, c.LogFormat) {
		errs = append(errs, fmt.Errorf("invalid log format %q, valid log formats are text, json", c.LogFormat))
	}
	errs = append(errs, c.checkVault()...)
	return errors.Join(append(errs, c.checkBundles()...)...)
}

// warnWaits tells of waits that cannot be meant. In a block consul-template
// takes what it refuses in a string.
func (c *Config) warnWaits() {
	c.warnWait(c.Wait, c.origins["wait.min"])
	for _, t := range c.Templates {
		c.warnWait(t.Wait, t.origins["wait.min"])
	}
	for _, b := range c.Bundles {
		c.warnWait(b.Wait, b.origins["wait.min"])
	}
}

func (c *Config) warnWait(w Wait, at Origin) {
	if err := checkWait(w.Min, w.Max); w.Enabled && err != nil {
		c.warn(Diagnostic{Position: at.Position, Message: err.Error()})
	}
}

// warnDeduplicate tells that de-duplication mode is not there yet. With Once
// consul-template does without it as well.
func (c *Config) warnDeduplicate() {
	if c.Deduplicate.Enabled && !c.Once {
		c.warn(Diagnostic{Message: "de-duplication is not there yet: each instance asks Consul by itself"})
	}
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
				Message:  fmt.Sprintf("two templates have the destination %s: that of %s and that of %s", t.Destination, at, t.At),
				Hint:     "each overwrites what the other wrote",
			})
			continue
		}
		first[t.Destination] = t.At
	}
}
