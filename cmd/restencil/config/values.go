package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// flagOnly is what values have in common that no file can set.
type flagOnly struct{}

func (flagOnly) reset()              {}
func (flagOnly) fromNode(node) error { return errKind }
func (flagOnly) show() string        { return "" }
func (flagOnly) defaultText() string { return "" }

// paths adds up the arguments of -config.
func paths(to *[]string) value { return pathList{to: to} }

type pathList struct {
	flagOnly
	to *[]string
}

func (p pathList) reset()              { *p.to = nil }
func (p pathList) placeholder() string { return "<path>" }
func (p pathList) fromText(s string) error {
	*p.to = append(*p.to, s)
	return nil
}

// action is a switch that asks for something other than to run.
func action(to *Action, asked Action) value { return actionSwitch{to: to, asked: asked} }

type actionSwitch struct {
	flagOnly
	to    *Action
	asked Action
}

func (a actionSwitch) placeholder() string { return "" }
func (a actionSwitch) fromText(s string) error {
	var on bool
	if err := boolean(&on, false).fromText(s); err != nil {
		return err
	}
	if on {
		*a.to = a.asked
	} else if *a.to == a.asked {
		*a.to = Run
	}
	return nil
}

// authText is the value of -consul-auth.
type authText struct {
	flagOnly
	to *Auth
}

func (a authText) placeholder() string { return "<user[:password]>" }
func (a authText) fromText(s string) error {
	if s == "" {
		return errors.New("auth: cannot be empty")
	}
	user, password, ok := strings.Cut(s, ":")
	a.to.Username = user
	if ok {
		a.to.Password = password
	}
	return nil
}

// execText is the value of -exec.
type execText struct {
	flagOnly
	to *Exec
}

func (e execText) placeholder() string { return "<command>" }
func (e execText) fromText(s string) error {
	e.to.Command = []string{s}
	e.to.Enabled = true
	return nil
}

// waitText is a wait in one string, "min[:max]", of -wait or of a file.
type waitText struct{ to *Wait }

func (w waitText) reset()              {}
func (w waitText) show() string        { return "" }
func (w waitText) defaultText() string { return "" }
func (w waitText) placeholder() string { return "<min[:max]>" }

func (w waitText) fromNode(n node) error {
	s, ok := n.value.(string)
	if !ok {
		return fmt.Errorf(`expected a wait block or a string such as "2s:10s", found %s`, n.what())
	}
	return w.fromText(s)
}

func (w waitText) fromText(s string) error {
	low, high, err := parseWait(s)
	if err != nil {
		return err
	}
	w.to.Min, w.to.Max = low, high
	return nil
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

// listAlias is the deprecated spelling of a list: what is not in it yet is
// added.
func listAlias(to *[]string) value { return aliasList{list(new([]string)), to} }

type aliasList struct {
	value
	to *[]string
}

func (a aliasList) reset()       {}
func (a aliasList) show() string { return "" }

func (a aliasList) fromNode(n node) error {
	var added []string
	if err := list(&added).fromNode(n); err != nil {
		return err
	}
	for _, s := range added {
		if !slices.Contains(*a.to, s) {
			*a.to = append(slices.Clip(*a.to), s)
		}
	}
	return nil
}
