package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"restencil/cmd/restencil/config/setting"
	"restencil/runner/apply"
	"restencil/runner/guard"
	"restencil/runner/probe"
)

// A Change is how files are changed: what bundles and templates have in common.
type Change struct {
	Check          []string // is run on the staged files
	CheckTimeout   time.Duration
	Command        []string // another spelling of Exec.Command
	CommandTimeout time.Duration
	Exec           Exec // after loading it holds the effective command and timeout
	Wait           Wait
	Verify         []Verify
	Guard          guard.Rules
	Rollback       bool
	ExitOnFailure  bool
}

// A Verify is what must hold after a reload.
type Verify struct {
	setting.Written
	probe.Probe
}

func (c *Change) commandSettings() []setting.Setting {
	return []setting.Setting{
		{Key: "command", To: setting.Command(&c.Command)},
		{Key: "command_timeout", To: &c.CommandTimeout, Default: commandTimeout},
	}
}

func (c *Change) settings() []setting.Setting {
	return []setting.Setting{
		{Key: "check", To: setting.Command(&c.Check)},
		{Key: "check_timeout", To: setting.AtLeast(0, &c.CheckTimeout), Default: commandTimeout},
		{Key: "rollback", To: &c.Rollback, WhenSet: true},
		{Key: "exit_on_failure", To: &c.ExitOnFailure, WhenSet: true},
		{Key: "guard", Block: []setting.Setting{
			{Key: "not_empty", To: &c.Guard.NotEmpty},
			{Key: "min_bytes", To: setting.AtLeast(0, &c.Guard.MinBytes)},
			{Key: "max_shrink", To: setting.Share(&c.Guard.MaxShrink)},
			{Key: "min_instances", To: &c.Guard.MinInstances},
		}},
		c.Wait.setting(""),
		c.Exec.block("", commandTimeout),
		{Key: "verify", Each: &setting.Repeated{New: c.addVerify, All: c.verifies, Short: "command"}},
	}
}

func (c *Change) addVerify(string) setting.Instance {
	c.Verify = append(c.Verify, Verify{})
	i := c.Verify[len(c.Verify)-1].instance()
	setting.Init(i.Settings)
	return i
}

func (c *Change) verifies() []setting.Instance {
	var all []setting.Instance
	for i := range c.Verify {
		all = append(all, c.Verify[i].instance())
	}
	return all
}

func (v *Verify) instance() setting.Instance {
	return setting.Instance{Written: &v.Written, Settings: []setting.Setting{
		{Key: "command", To: setting.Command(&v.Args)},
		{Key: "http", To: &v.HTTP},
		{Key: "tcp", To: &v.TCP},
		{Key: "host", To: &v.Host},
		{Key: "status", To: &v.Status},
		{Key: "skip_verify", To: &v.SkipVerify},
		{Key: "for", To: &v.For},
		{Key: "within", To: &v.Within, Default: "10s"},
		{Key: "interval", To: &v.Interval, Default: "250ms"},
		{Key: "timeout", To: &v.Timeout, Default: "5s"},
	}}
}

// finish settles what has two spellings, and what is taken from the whole.
func (c *Change) finish(w *setting.Written, state State, verified bool) {
	if !w.IsSet("exec.command") {
		c.Exec.Command = slices.Clone(c.Command)
	}
	if !w.IsSet("exec.timeout") {
		c.Exec.Timeout = c.CommandTimeout
	}
	if !w.IsSet("exec.enabled") {
		c.Exec.Enabled = !emptyCommand(c.Exec.Command)
	}
	if !w.IsSet("rollback") {
		c.Rollback = verified
	}
	if !w.IsSet("exit_on_failure") {
		c.ExitOnFailure = state.ExitOnFailure
	}
	c.Wait.finish(w)
}

// check says what is wrong with a change by itself.
func (c *Change) check(w *setting.Written) []error {
	var errs []error
	for i := range c.Verify {
		if err := c.Verify[i].Validate(); err != nil {
			errs = append(errs, wrong(c.Verify[i].At, "verify: "+err.Error(), ""))
		}
	}
	if err := apply.ValidateCheck(apply.Command{Args: c.Check}); err != nil {
		errs = append(errs, wrong(w.Origin("check"), err.Error(), ""))
	}
	return errs
}

// commandOrigin returns where the command was written.
func commandOrigin(w *setting.Written) setting.Origin {
	if w.IsSet("exec.command") {
		return w.Origin("exec.command")
	}
	return w.Origin("command")
}

// A Wait is a quiescence: a change waits until there has been no other for
// Min, but no longer than Max after the first.
type Wait struct {
	Enabled  bool
	Min, Max time.Duration
}

// setting is the block wait, or a string in its place; its flag, where it has
// one. The switch is called bool in consul-template (COMPAT Q7).
func (w *Wait) setting(flag string) setting.Setting {
	return setting.Setting{
		Key: "wait", Flag: flag, Sets: []string{"wait.min", "wait.max"},
		To: setting.Text{
			Placeholder: "<min[:max]>", Want: `a wait block or a string such as "2s:10s"`,
			Parse: func(text string) error {
				low, high, err := parseWait(text)
				if err == nil {
					w.Min, w.Max = low, high
				}
				return err
			},
		},
		Help: "Wait after a change until there has been none for min, but at most max (4 times min if not given).",
		Block: []setting.Setting{
			{Key: "bool", To: &w.Enabled},
			{Key: "enabled", To: &w.Enabled, Sets: []string{"bool"}},
			{Key: "min", To: &w.Min},
			{Key: "max", To: &w.Max},
		},
	}
}

// finish switches a wait on that has a min, and finds its max.
func (w *Wait) finish(written *setting.Written) {
	if !written.IsSet("wait.bool") {
		w.Enabled = w.Min != 0
	}
	if !written.IsSet("wait.max") {
		w.Max = 4 * w.Min
	}
}

// parseWait reads "min[:max]" (COMPAT 1.6).
func parseWait(s string) (low, high time.Duration, err error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, 0, errors.New("wait: cannot be empty")
	}
	parts := strings.Split(s, ":")
	if len(parts) > 2 {
		return 0, 0, errors.New("wait: invalid format")
	}
	if low, err = time.ParseDuration(strings.TrimSpace(parts[0])); err != nil {
		return 0, 0, err
	}
	high = 4 * low
	if len(parts) == 2 {
		if high, err = time.ParseDuration(strings.TrimSpace(parts[1])); err != nil {
			return 0, 0, err
		}
	}
	return low, high, checkWait(low, high)
}

// checkWait says what is wrong with a wait.
func checkWait(low, high time.Duration) error {
	switch {
	case low < 0 || high < 0:
		return errors.New("wait: cannot be negative")
	case high < low:
		return errors.New("wait: min must be less than max")
	}
	return nil
}

// warnWaits tells of waits that cannot be meant. In a block consul-template
// takes what it refuses in a string.
func (c *Config) warnWaits() {
	warn := func(w Wait, written *setting.Written) {
		if err := checkWait(w.Min, w.Max); w.Enabled && err != nil {
			c.warn(written.Origin("wait.min"), err.Error(), "")
		}
	}
	warn(c.Defaults.Wait, &c.Written)
	for i := range c.Templates {
		warn(c.Templates[i].Wait, &c.Templates[i].Written)
	}
	for i := range c.Bundles {
		warn(c.Bundles[i].Wait, &c.Bundles[i].Written)
	}
}

// negative complains of a time below zero that was written.
func negative(w *setting.Written, key string, d time.Duration) []error {
	if d >= 0 || !w.IsSet(key) {
		return nil
	}
	return []error{wrong(w.Origin(key), fmt.Sprintf("%s: cannot be negative", key), "")}
}
