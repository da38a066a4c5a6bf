package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"restencil/watch"
)

// mounts are what has been found out of where engines are. It belongs to the
// loop.
type mounts struct {
	known  map[string]*sighting // by path
	groups map[string]*group    // by the first element of the paths
}

// A sighting is a mount that has been looked at.
type sighting struct {
	mount
	at    time.Time
	blind bool // the metadata of its secrets must not be read
}

// A group are entries that may have one mount, of which nothing is known yet.
// One of them looks, and the others wait for what it finds. Where it may not
// look, each does so itself, for their mounts may differ after all.
type group struct {
	looking int
	each    bool
	waiting entries
}

// entries is a set of them.
type entries map[*entry]bool

func newMounts() mounts {
	return mounts{known: make(map[string]*sighting), groups: make(map[string]*group)}
}

// sighting returns that of the mount that holds path, nil where it is not known.
func (m *mounts) sighting(path string) *sighting {
	for i := 0; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		if s := m.known[path[:i+1]]; s != nil {
			return s
		}
	}
	return m.known[path+"/"]
}

func (m *mounts) find(path string) (at mount, blind bool) {
	if s := m.sighting(path); s != nil {
		return s.mount, s.blind
	}
	return mount{}, false
}

// blinded notes that metadata must not be read in the mount of path.
func (m *mounts) blinded(path string) {
	if s := m.sighting(path); s != nil {
		s.blind = true
	}
}

func (m *mounts) group(path string) *group {
	first, _, _ := strings.Cut(path, "/")
	g := m.groups[first]
	if g == nil {
		g = &group{waiting: make(entries)}
		m.groups[first] = g
	}
	return g
}

// left forgets that e waits.
func (m *mounts) left(e *entry) {
	first, _, _ := strings.Cut(e.subject.at(), "/")
	if g := m.groups[first]; g != nil {
		delete(g.waiting, e)
		if g.looking == 0 && len(g.waiting) == 0 && !g.each {
			delete(m.groups, first)
		}
	}
}

// mounted tells whether the mount of e's path is known, or as good as. Else e
// looks for it, or waits for another that does.
func (l *loop) mounted(e *entry, now time.Time) bool {
	path := e.subject.at()
	if path == "" || l.mounts.sighting(path) != nil || now.Before(e.assumed) {
		return true
	}
	g := l.mounts.group(path)
	if g.looking > 0 && !g.each {
		g.waiting[e] = true
		return false
	}
	g.looking++
	look := request{method: http.MethodGet, path: "sys/internal/ui/mounts/" + path, token: l.cred.token}
	cred := l.cred
	l.dispatch(e, false, func(ctx context.Context, r *report) {
		s, err := l.desk.keep(ctx, look, cred)
		if err != nil {
			r.err = &requestError{look, err}
		}
		m := parseMount(s, l.namespace)
		r.apply = func(l *loop, r report) { l.looked(r, g, m) }
	})
	return false
}

// looked takes what a look at a mount has shown.
func (l *loop) looked(r report, g *group, m mount) {
	e, now := r.entry, time.Now()
	path := e.subject.at()
	g.looking--
	switch {
	case r.err == nil && m.holds(path):
		l.mounts.known[m.path] = &sighting{mount: m, at: now}
		g.each = false
	case r.err == nil || absent(r.err):
		l.assume(e, now)
	case l.mayAssume(r):
		g.each = true
		l.assume(e, now)
		if r.cred.token != "" {
			l.notice(e, fmt.Sprintf("failed to check if %s is KVv2, assume not: %s", path, r.err))
		}
	default:
		if !e.gone {
			l.failed(r, now)
		}
		l.goOn(e, g, now)
		return
	}
	if !e.gone {
		l.retry(e, now)
	}
	l.goOn(e, g, now)
}

// mayAssume tells whether a look failed for reasons that are not to stop a
// query (COMPAT 3.5). A token that Vault does not know, and trouble that will
// pass, are.
func (l *loop) mayAssume(r report) bool {
	var answer *responseError
	if !errors.As(r.err, &answer) || unreachable(answer) {
		return false
	}
	if r.cred.token == "" {
		return true
	}
	return answer.Status < 500 && answer.Status != http.StatusTooManyRequests && !refusedToken(answer)
}

func (l *loop) assume(e *entry, now time.Time) { e.assumed = now.Add(l.options.DefaultLease) }

// goOn lets those go on that have waited.
func (l *loop) goOn(e *entry, g *group, now time.Time) {
	waiting := g.waiting
	g.waiting = make(entries)
	l.mounts.left(e)
	l.release(waiting, now)
}

// recheck is how old a look at a mount must be for another, when something is
// not there.
const recheck = 10 * time.Second

// looksAgain tells whether e, which is not there, is to look first whether its
// mount is another by now.
func (l *loop) looksAgain(e *entry, missing bool, now time.Time) bool {
	if !missing || e.subject.at() == "" {
		return false
	}
	if e.checked {
		e.checked = false
		return false
	}
	if s := l.mounts.sighting(e.subject.at()); s != nil {
		if now.Sub(s.at) < recheck {
			return false
		}
		delete(l.mounts.known, s.path)
	} else if now.Add(l.options.DefaultLease).Sub(e.assumed) < recheck {
		return false
	}
	e.assumed, e.checked = time.Time{}, true
	return true
}

// isMissing tells whether an error says that what was asked for is not there.
func isMissing(err error) bool {
	var missing *missingError
	return errors.As(err, &missing) || absent(err)
}

// misplaced tells whether Vault says that a path makes no sense in a
// key-value engine of version 2.
func misplaced(s *watch.Secret) bool {
	for _, w := range warnings(s) {
		if strings.Contains(w, "Invalid path for a versioned K/V secrets engine") {
			return true
		}
	}
	return false
}
