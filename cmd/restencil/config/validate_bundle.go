package config

import (
	"fmt"
	"maps"
	"slices"

	"restencil/runner/apply"
)

// checkBundles says what is wrong with the bundles, and with what templates
// have of a bundle.
func (c *Config) checkBundles() []error {
	var errs []error
	if c.History < 0 {
		errs = append(errs, wrong(c.origins["history"], "history: cannot be negative", ""))
	}
	if c.Reconcile < 0 {
		errs = append(errs, wrong(c.origins["reconcile"], "reconcile: cannot be negative", ""))
	}
	for i := range c.Bundles {
		errs = append(errs, c.Bundles[i].check()...)
	}
	for i := range c.Templates {
		t := &c.Templates[i]
		errs = append(errs, checkVerifies(t.Verify)...)
		errs = append(errs, checkNotNegative(t.origins, map[string]int64{
			"check_timeout": int64(t.CheckTimeout), "guard.min_bytes": int64(t.Guard.MinBytes),
		})...)
		errs = append(errs, checkShrink(t.origins, t.Guard)...)
		errs = append(errs, checkActions(t.origins, t.Check)...)
		errs = append(errs, c.checkMember(t)...)
	}
	return append(errs, c.checkNames()...)
}

// wrong makes an error about what was written at a place.
func wrong(at Origin, message, hint string) error {
	if at.Flag != "" {
		message = "flag " + at.Flag + ": " + message
	}
	return Diagnostic{Position: at.Position, Message: message, Hint: hint}
}

// check says what is wrong with a bundle by itself.
func (b *Bundle) check() []error {
	errs := checkVerifies(b.Verify)
	if at, twice := b.origins["reload"]; twice && !emptyCommand(b.Command) {
		errs = append(errs, wrong(at, "reload and command are the same: one of them is too many", ""))
	}
	errs = append(errs, checkShrink(b.origins, b.Guard)...)
	errs = append(errs, checkActions(b.origins, b.Check)...)
	return append(errs, checkNotNegative(b.origins, map[string]int64{
		"check_timeout":     int64(b.CheckTimeout),
		"command_timeout":   int64(b.CommandTimeout),
		"exec.timeout":      int64(b.Exec.Timeout),
		"min_interval":      int64(b.MinInterval),
		"retry.backoff":     int64(b.Retry.Backoff),
		"retry.max_backoff": int64(b.Retry.MaxBackoff),
		"guard.min_bytes":   int64(b.Guard.MinBytes),
	})...)
}

// checkShrink complains of a max_shrink of nothing: to the guard that is none.
func checkShrink(origins map[string]Origin, g Guard) []error {
	if at, written := origins["guard.max_shrink"]; written && g.MaxShrink == 0 {
		return []error{wrong(at, "guard.max_shrink: must be more than 0", `the least share that a file may lose, such as "1%"`)}
	}
	return nil
}

// checkActions complains of actions that a check cannot have.
func checkActions(origins map[string]Origin, check []string) []error {
	if err := apply.ValidateCheck(apply.Command{Args: check}); err != nil {
		return []error{wrong(origins["check"], err.Error(), "")}
	}
	return nil
}

// checkNotNegative complains of the values below zero that were written.
func checkNotNegative(origins map[string]Origin, values map[string]int64) []error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if at, written := origins[key]; written && values[key] < 0 {
			errs = append(errs, wrong(at, key+": cannot be negative", ""))
		}
	}
	return errs
}

func checkVerifies(all []Verify) []error {
	var errs []error
	for i := range all {
		if err := all[i].probe().Validate(); err != nil {
			errs = append(errs, wrong(all[i].At, "verify: "+err.Error(), ""))
		}
	}
	return errs
}

// checkMember says what is wrong with what a template that names a bundle has
// besides. What only the whole bundle can have must not be lost without a
// word.
func (c *Config) checkMember(t *Template) []error {
	if t.Bundle == "" {
		return nil
	}
	b := c.bundle(t.Bundle)
	if b == nil {
		return []error{wrong(t.origins["bundle"], fmt.Sprintf("there is no bundle %q", t.Bundle), suggest(t.Bundle, c.bundleNames()))}
	}
	var errs []error
	for _, key := range []string{"rollback", "exit_on_failure"} {
		if at, written := t.origins[key]; written {
			errs = append(errs, wrong(at, fmt.Sprintf("%s counts for all of bundle %q", key, b.Name), "write it in the bundle"))
		}
	}
	if !emptyCommand(t.Exec.Command) && !slices.Equal(t.Exec.Command, b.Exec.Command) {
		errs = append(errs, wrong(t.commandOrigin(), fmt.Sprintf("the command of bundle %q is run, and this one would not be", b.Name), "write it in the bundle"))
	}
	return errs
}

func (t *Template) commandOrigin() Origin {
	if at, written := t.origins["exec.command"]; written {
		return at
	}
	return t.origins["command"]
}

// checkNames finds bundles of one name, where templates that are bundles by
// themselves are called as their destinations.
func (c *Config) checkNames() []error {
	var errs []error
	taken := make(map[string]Origin)
	for _, b := range c.Bundles {
		taken[b.Name] = b.At
	}
	for i := range c.Templates {
		t := &c.Templates[i]
		if !t.isBundle() {
			continue
		}
		if at, ok := taken[t.Destination]; ok {
			errs = append(errs, wrong(t.At, fmt.Sprintf("there are two bundles %q", t.Destination), "the other one is at "+at.String()))
			continue
		}
		taken[t.Destination] = t.At
	}
	return errs
}

// warnBundles tells what has no effect.
func (c *Config) warnBundles() {
	used := make(map[string]bool)
	for i := range c.Templates {
		t := &c.Templates[i]
		used[t.Bundle] = true
		if at, written := t.origins["wait.min"]; written && c.bundle(t.Bundle) != nil {
			c.warn(Diagnostic{Position: at.Position, Message: fmt.Sprintf("wait has no effect here: that of bundle %q counts", t.Bundle)})
		}
	}
	for _, b := range c.Bundles {
		if !used[b.Name] {
			c.warn(Diagnostic{
				Position: b.At.Position,
				Message:  fmt.Sprintf("no template belongs to bundle %q", b.Name),
				Hint:     fmt.Sprintf("write bundle = %q in its templates", b.Name),
			})
		}
	}
}

// bundle returns the bundle of a name, nil where there is none.
func (c *Config) bundle(name string) *Bundle {
	i := slices.IndexFunc(c.Bundles, func(b Bundle) bool { return b.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Bundles[i]
}

func (c *Config) bundleNames() []string {
	names := make([]string, len(c.Bundles))
	for i, b := range c.Bundles {
		names[i] = b.Name
	}
	return names
}
