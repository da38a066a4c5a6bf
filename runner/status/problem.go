package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SetProblems sets what is wrong, the worst first: the configuration and stores, which
// others suffer from, then bundles. journal is why the journal cannot be written, nil:
// it can; config is why the configuration cannot be used since a time.
func (s *Status) SetProblems(journal, config error, since time.Time) {
	if config != nil {
		s.problem("", since, fmt.Sprintf("configuration: not used since %s: %s", s.ago(since), FirstLine(config.Error())),
			"the previous one stays in use: correct it (restencil lint -config shows every mistake), then send SIGHUP, unless -watch-config is on")
	}
	for _, st := range s.Stores {
		if st.State == "away" {
			s.problem("", st.Since, fmt.Sprintf("%s: no answers since %s: %s", st.Name, s.ago(st.Since), st.Error),
				"the files stay as they are; retrying: check that it is up and that its address and token are right")
		}
		for _, p := range st.Parts {
			s.problem("", p.Since, fmt.Sprintf("%s, %s: no answers since %s: %s", st.Name, p.Name, s.ago(p.Since), p.Error),
				fmt.Sprintf("other queries are answered, and the files stay as they are: check that the %s is up, or take it out of the templates", p.Name))
		}
	}
	s.failingQueries()
	for _, state := range []State{Failed, RolledBack, Held, Waiting, Settling} {
		for _, b := range s.Bundles {
			if b.State == state && (state != Settling || b.Stuck) {
				s.problem(b.Name, b.Since, b.Line(s.Time), b.Do(s.Time))
			}
		}
	}
	s.wouldWait()
	for _, l := range s.Leases {
		if l.wrong(s.Time) {
			s.problem("", l.Ends, l.Line(s.Time), l.Do())
		}
	}
	if c := s.Child; c != nil && !c.NextAt.IsZero() {
		s.problem("", c.Since, fmt.Sprintf("%q: ended: %s", strings.Join(c.Command, " "), c.Why),
			fmt.Sprintf("it is started again in %s: see its own log", until(s.Time, c.NextAt)))
	}
	if journal != nil {
		s.problem("", s.Time, fmt.Sprintf("state directory: %v", journal),
			"rendering goes on, but after a crash a command may be run again: check that the disk has room and that the directory is writable")
	}
	s.Well = len(s.Problems) == 0
}

// soon is how long a query may fail before that is a problem: by then it is known
// whether its store is away.
const soon = 2 * time.Second

// failingQueries tells of the queries that fail though their store answers others,
// and that nobody else tells of: a template that waits for it, or a lease.
func (s *Status) failingQueries() {
	told := make(map[string]bool)
	for _, b := range s.Bundles {
		for _, t := range b.Templates {
			for _, w := range t.Waits {
				told[w.Query] = true
			}
		}
	}
	for _, l := range s.Leases {
		told[l.Query] = told[l.Query] || l.wrong(s.Time)
	}
	for _, q := range s.Queries {
		away := slices.ContainsFunc(s.Stores, func(st Store) bool {
			return st.Name == q.Store && (st.State == "away" || slices.ContainsFunc(st.Parts, func(p Part) bool { return p.Name == q.Part }))
		})
		if q.State != "failing" || away || told[q.Query] || s.Time.Sub(q.Failing) < soon {
			continue
		}
		used := strings.Join(q.Templates[:min(len(q.Templates), 5)], ", ")
		s.problem("", q.Failing, fmt.Sprintf("%s: no answer since %s: %s", q.Name, s.ago(q.Failing), FirstLine(q.Error)),
			fmt.Sprintf("the last answer stays in %s; retrying: check that it exists and that the token may read it", cmp.Or(used, "use")))
	}
}

// wouldWait tells of the templates whose files are made with the last value of something
// that has gone: after a restart they would wait for it.
func (s *Status) wouldWait() {
	for _, b := range s.Bundles {
		for _, t := range b.Templates {
			if len(t.WouldWait) == 0 {
				continue
			}
			w, more := t.WouldWait[0], ""
			if n := len(t.Gone); n > 1 {
				more = fmt.Sprintf(" (%d more have gone)", n-1)
			}
			s.problem(b.Name, w.Since, fmt.Sprintf("%s: needs %s, which has gone since %s: %s%s", cmp.Or(t.Destination, t.Name), w.Name, s.ago(w.Since), w.Reason, more),
				fmt.Sprintf("the file stays as it is, but a restart would wait for it; %s asks for it: add it to the store, or give the template a default; see: restencil explain %s", cmp.Or(w.At, t.Name), forShell(b.Name)))
		}
	}
}

// wrong tells whether a lease could not be renewed, or has ended.
func (l Lease) wrong(now time.Time) bool { return l.Error != "" || l.Ends.Before(now) }

func (s *Status) problem(bundle string, since time.Time, line, do string) {
	s.Problems = append(s.Problems, Problem{Bundle: bundle, Line: line, Do: do, Since: since})
}

func (s *Status) ago(at time.Time) string { return Duration(s.Time.Sub(at)) }

// Line says what the bundle is doing and why.
func (b Bundle) Line(now time.Time) string {
	since := Duration(now.Sub(b.Since))
	switch b.State {
	case Waiting:
		t := b.waits()
		if t == nil || len(t.Waits) == 0 {
			return fmt.Sprintf("%s: waiting since %s: %s", b.Name, since, b.first(now))
		}
		return fmt.Sprintf("%s: waiting since %s for %s: %s", b.Name, since, t.Waits[0].Name, t.Waits[0].Reason)
	case Settling:
		if b.Why != "" {
			return fmt.Sprintf("%s: a change has waited since %s: %s", b.Name, since, b.Why)
		}
		return fmt.Sprintf("%s: a change waits until its data is quiet, %s more", b.Name, until(now, b.NextAt))
	case Changing:
		return fmt.Sprintf("%s: a change is under way since %s: %s", b.Name, since, b.Step)
	case Failed:
		if b.Step == "execute" || b.writing() {
			return fmt.Sprintf("%s: not rendered: %s", b.Name, b.cause())
		}
		return fmt.Sprintf("%s: %s failed: %s", b.Name, b.Step, b.cause())
	case RolledBack:
		return fmt.Sprintf("%s: %s failed, and the old files are back: %s", b.Name, b.Step, b.cause())
	case Held:
		return fmt.Sprintf("%s: change held since %s: %s", b.Name, since, b.cause())
	}
	return fmt.Sprintf("%s: applied %s ago", b.Name, since)
}

// cause returns why, with the line of what the command printed that says most.
func (b Bundle) cause() string {
	if printed := errorLine(b.Output); printed != "" && !strings.Contains(b.Why, printed) {
		return FirstLine(b.Why) + ": " + printed
	}
	return FirstLine(b.Why)
}

// Do says what restencil does about the state of the bundle, and what to do.
func (b Bundle) Do(now time.Time) string {
	b.Name = forShell(b.Name)
	retry := ""
	switch {
	case b.Attempt > 0 && b.Last != nil && b.Last.Outcome == "":
		retry = fmt.Sprintf("attempt %d is under way; ", b.Attempt+1)
	case !b.NextAt.IsZero():
		retry = fmt.Sprintf("attempt %d is made in %s; ", b.Attempt+1, until(now, b.NextAt))
	}
	switch {
	case b.State == Waiting:
		kept := ""
		if t := b.waits(); t != nil && len(t.Waits) > 0 {
			if !t.Rendered.IsZero() {
				kept = "the file stays as it is; "
			}
			switch at := t.Waits[0].At; {
			case at != "" && t.Waits[0].Fails:
				return fmt.Sprintf("%s%s asks for it; retrying: check that it exists, that the store is up and that the token may read it; see: restencil explain %s", kept, at, b.Name)
			case at != "":
				return fmt.Sprintf("%s%s asks for it: add it to the store, or give the template a default; see: restencil explain %s", kept, at, b.Name)
			}
		}
		return fmt.Sprintf("%ssee what it needs: restencil explain %s", kept, b.Name)
	case b.Stuck:
		return "the files stay as they are; retrying: check that Consul is up, and that its token may write sessions and the key of rolling"
	case b.State == Held && b.Step == "":
		return fmt.Sprintf("the files stay as they are; look at the change: restencil diff %s; make it: restencil accept %s", b.Name, b.Name)
	case b.State == Held, b.State == Failed && b.Step == "check":
		return fmt.Sprintf("the files stay as they are; %slook at the change: restencil diff %s; try it now: restencil accept %s", retry, b.Name, b.Name)
	case b.State == RolledBack:
		return fmt.Sprintf("%slook at the change: restencil diff %s", retry, b.Name)
	case b.State == Failed && b.Step == "execute":
		return fmt.Sprintf("the file stays as it is; %scorrect the template or its data; see: restencil explain %s", retry, b.Name)
	case b.writing():
		return fmt.Sprintf("the file stays as it is; %scheck that its directory is writable and has room; see: restencil explain %s", retry, b.Name)
	case b.State == Failed && b.Step == "reload":
		return fmt.Sprintf("the new files stay; %ssee what the command says: restencil explain %s", retry, b.Name)
	case b.State == Failed:
		return fmt.Sprintf("%ssee more: restencil explain %s", retry, b.Name)
	}
	return ""
}

// forShell quotes a name that a shell would read otherwise.
func forShell(name string) string {
	if !strings.ContainsAny(name, " \t\"$&'()*;<>?[\\`|") {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// writing reports whether the file of a template that belongs to no named bundle
// could not be written.
func (b Bundle) writing() bool {
	return b.State == Failed && !b.Named && (b.Step == "stage" || b.Step == "swap")
}

// waits returns the first template that waits for something, nil for none.
func (b Bundle) waits() *Template {
	for i, t := range b.Templates {
		if len(t.Waits) > 0 {
			return &b.Templates[i]
		}
	}
	return nil
}

// first says how the first template is that has not been rendered, rather one that is
// being executed for long.
func (b Bundle) first(now time.Time) string {
	text := ""
	for _, t := range b.Templates {
		if !t.Rendered.IsZero() || text != "" && t.Since.IsZero() {
			continue
		}
		name := t.Name
		if slices.ContainsFunc(b.Templates, func(o Template) bool { return o.Name == t.Name && o.Destination != t.Destination }) {
			name += " for " + t.Destination // elements of for_each have one template
		}
		if !t.Since.IsZero() {
			return name + " is being executed since " + Duration(now.Sub(t.Since))
		}
		text = name + " is not rendered yet"
	}
	return cmp.Or(text, "nothing is missing")
}

// Line says how long a lease is good.
func (l Lease) Line(now time.Time) string {
	end := "ends in " + until(now, l.Ends)
	if l.Ends.Before(now) {
		end = "ended " + Duration(now.Sub(l.Ends)) + " ago"
	}
	if l.Error != "" {
		return fmt.Sprintf("%s: %s, and cannot be renewed: %s", l.Name, end, FirstLine(l.Error))
	}
	return fmt.Sprintf("%s: %s", l.Name, end)
}

// Do says what to do about it.
func (l Lease) Do() string {
	if l.Query == "" {
		return "the files stay as they are: write another token into the configuration, or have restencil log in, which gets a new one by itself"
	}
	return "the files stay as they are; retrying: check that the store is up and that the token may ask for it"
}

// FirstLine returns the first line of a text.
func FirstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// errorLine returns the first line of a text that names an error as servers do, or else the
// first line: nginx and HAProxy print notices and warnings before.
func errorLine(text string) string {
	for line := range strings.Lines(text) {
		lower := strings.ToLower(line)
		if slices.ContainsFunc([]string{"emerg", "alert", "error", "fatal", "fail"}, func(word string) bool { return strings.Contains(lower, word) }) {
			return strings.TrimSpace(line)
		}
	}
	return FirstLine(text)
}

func until(now, at time.Time) string { return Duration(max(0, at.Sub(now))) }

// Duration shows a duration as people say it: by its largest two units.
func Duration(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// Count returns "1 query", "2 queries".
func Count(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
