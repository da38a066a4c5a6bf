package config

import (
	"errors"
	"strings"
	"time"

	"restencil/cmd/restencil/config/setting"
	"restencil/runner"
	"restencil/runner/probe"
	"restencil/runner/transaction"
)

// A Change is how files are changed. Bundles and templates have one.
type Change struct {
	// Bundle is without its Wait, its Verify and the environments of its commands.
	// Its Reload is the settings command and command_timeout.
	runner.Bundle

	Exec   Exec // after finish, the effective command and timeout
	Wait   Wait
	Verify []*Verify
}

// A Verify is a condition that must hold after a reload.
type Verify struct {
	setting.Origins
	probe.Probe
}

func (c *Change) commandSettings() []setting.Setting {
	return []setting.Setting{
		{Key: "command", To: setting.Command(&c.Reload.Args), WhenSet: true,
			Help: "The command to run after a change: a string for the shell, or a list with the program and its arguments."},
		{Key: "command_timeout", To: setting.AtLeast(0, &c.Reload.Timeout), Default: commandTimeout,
			Help: "How long the command may take before it is killed; 0 starts it and does not wait for its end."},
	}
}

func (c *Change) settings() []setting.Setting {
	verify := setting.Each(&c.Verify, (*Verify).instance)
	verify.Short = "command"
	return []setting.Setting{
		{Key: "check", To: setting.Command(&c.Check.Args),
			Help: "A command that must succeed on the new files before they replace the old ones."},
		{Key: "check_timeout", To: setting.AtLeast(0, &c.Check.Timeout), Default: commandTimeout,
			Help: "How long the check may take before it is killed."},
		{Key: "rollback", To: &c.Rollback, WhenSet: true,
			Help: "Put the old files back when the command or a verify fails. If not given, true with a verify and false without."},
		{Key: "exit_on_failure", To: &c.ExitOnFailure, WhenSet: true,
			Help: "End with exit code 14 when a change fails. If not given, as the top-level exit_on_failure."},
		{Key: "guard", Block: []setting.Setting{
			{Key: "not_empty", To: &c.Guard.NotEmpty, Help: "Hold a change that makes a file empty or blank."},
			{Key: "min_bytes", To: setting.AtLeast(0, &c.Guard.MinBytes),
				Help: "Hold a change that makes a file smaller than this, in bytes."},
			{Key: "max_shrink", To: setting.Share(&c.Guard.MaxShrink),
				Help: "Hold a change that takes more than this part of a file at once, such as 50% or 0.5; any part if not given."},
			{Key: "max_removed", To: setting.AtLeast(0, &c.Guard.MaxRemoved),
				Help: "Hold a change that removes more files than this of elements of for_each; 0 for no limit."},
			{Key: "min_instances", To: &c.Guard.MinInstances,
				Help: "Hold a change in which a template sees fewer instances of a service than this."},
		}},
		c.Wait.setting(""),
		c.Exec.block("", commandTimeout),
		{Key: "verify", Each: verify},
	}
}

func (v *Verify) instance() setting.Instance {
	return setting.Instance{Origins: &v.Origins, Settings: []setting.Setting{
		{Key: "command", To: setting.Command(&v.Args), Help: "A command that must succeed."},
		{Key: "http", To: &v.HTTP, Help: "A URL that must answer; redirects are not followed."},
		{Key: "tcp", To: &v.TCP, Help: "A host:port that must accept a connection."},
		{Key: "host", To: &v.Host, Help: "The Host header of http, and the name that the certificate must be valid for."},
		{Key: "status", To: &v.Status, Help: "The exact status that http must answer with; any below 400 if not given."},
		{Key: "skip_verify", To: &v.SkipVerify, Help: "Accept any certificate from http."},
		{Key: "for", To: &v.For, Default: "1s", Help: "How long it must stay true without a break; with 0s its first success is enough."},
		{Key: "within", To: &v.Within, Default: "10s", Help: "How long to wait until it is true."},
		{Key: "interval", To: &v.Interval, Default: "250ms", Help: "The time between two tries."},
		{Key: "timeout", To: &v.Timeout, Default: "5s", Help: "How long one try may take."},
	}}
}

// finish sets what is not set from command and command_timeout, from verified, which
// reports whether there is a verify, and from the defaults in whole.
func (c *Change) finish(o *setting.Origins, verified bool, whole *Config) {
	if !o.IsSet("exec.command") {
		c.Exec.Args = c.Reload.Args
	}
	if !o.IsSet("exec.timeout") {
		c.Exec.Timeout = c.Reload.Timeout
	}
	if !o.IsSet("rollback") {
		c.Rollback = verified
	}
	if !o.IsSet("exit_on_failure") {
		c.ExitOnFailure = whole.State.ExitOnFailure
	}
	c.Wait.finish(o, whole)
}

func (c *Change) check(o *setting.Origins) []error {
	var errs []error
	for _, v := range c.Verify {
		if err := v.Validate(); err != nil {
			errs = append(errs, v.At.Wrong("verify: "+err.Error(), ""))
		}
	}
	if err := transaction.ValidateCheck(c.Check); err != nil {
		errs = append(errs, o.Origin("check").Wrong(err.Error(), ""))
	}
	return errs
}

// A Wait is a quiescence timer: a change waits until there has been no other for Min,
// but at most for Max after the first.
type Wait struct {
	Enabled  bool
	Min, Max time.Duration
}

// setting returns the block wait, which a string may replace. consul-template calls
// enabled "bool" (COMPAT Q7).
func (w *Wait) setting(flag string) setting.Setting {
	return setting.Setting{
		Key: "wait", Flag: flag, Sets: []string{"wait.min", "wait.max"},
		To:   setting.Text("<min[:max]>", `a wait block or a string such as "2s:10s"`, w.parse, nil),
		Help: "Wait after a change until there has been none for min, but at most max (4 times min if not given).",
		Block: []setting.Setting{
			{Key: "bool", To: &w.Enabled, Help: "Turn waiting on or off. If not given, on with a min."},
			{Key: "enabled", To: &w.Enabled, Sets: []string{"bool"}, Help: "The same as bool."},
			{Key: "min", To: &w.Min, Help: "Wait until there has been no change for this long; do not wait if not given."},
			{Key: "max", To: &w.Max, Help: "Wait at most this long after the first change; 4 times min if not given."},
		},
	}
}

// parse reads "min[:max]" (COMPAT 1.6).
func (w *Wait) parse(text string) error {
	parts := strings.Split(text, ":")
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("wait: cannot be empty")
	case len(parts) > 2:
		return errors.New("wait: invalid format")
	}
	low, err := time.ParseDuration(strings.TrimSpace(parts[0]))
	if err != nil {
		return err
	}
	read := Wait{Enabled: w.Enabled, Min: low, Max: 4 * low}
	if len(parts) == 2 {
		if read.Max, err = time.ParseDuration(strings.TrimSpace(parts[1])); err != nil {
			return err
		}
	}
	if err := read.check(); err != nil {
		return err
	}
	*w = read
	return nil
}

func (w *Wait) check() error {
	switch {
	case w.Min < 0 || w.Max < 0:
		return errors.New("wait: cannot be negative")
	case w.Max < w.Min:
		return errors.New("wait: min must be less than max")
	}
	return nil
}

// finish enables a wait that has a min, and sets its max. consul-template accepts values
// in a block that it rejects in a string; they cause a warning.
func (w *Wait) finish(origins *setting.Origins, whole *Config) {
	if !origins.IsSet("wait.bool") {
		w.Enabled = w.Min != 0
	}
	if !origins.IsSet("wait.max") {
		w.Max = 4 * w.Min
	}
	if err := w.check(); w.Enabled && err != nil {
		whole.warn(origins.Origin("wait.min"), err.Error(), "")
	}
}
