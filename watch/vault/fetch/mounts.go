package fetch

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

// mounts are what has been found out of where engines are. It is for any
// goroutine.
type mounts struct {
	namespace string
	lookups   singleflight.Group // by the first element of the paths, which may have one mount

	mu      sync.Mutex
	known   map[string]*sighting // by path of the mount
	assumed map[string]time.Time // by path of a query: when it was looked up, and no mount found
}

// A sighting is a mount that has been looked up.
type sighting struct {
	mount
	at    time.Time
	blind bool // the metadata of its secrets must not be read
}

func newMounts(namespace string) *mounts {
	return &mounts{namespace: namespace, known: make(map[string]*sighting), assumed: make(map[string]time.Time)}
}

// sighting returns that of the mount that holds path, nil where it is not known.
// The caller holds the lock.
func (m *mounts) sighting(path string) *sighting {
	for i := range len(path) {
		if path[i] == '/' && m.known[path[:i+1]] != nil {
			return m.known[path[:i+1]]
		}
	}
	return m.known[path+"/"]
}

// find returns the mount that holds path, and reports whether it is known, or
// taken for one that is not versioned, which is the zero mount, until life is
// over.
func (m *mounts) find(path string, life time.Duration, now time.Time) (at mount, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sighting(path); s != nil {
		return s.mount, true
	}
	looked, ok := m.assumed[path]
	return mount{}, ok && now.Sub(looked) < life
}

// note notes what the lookup of a path has shown.
func (m *mounts) note(path string, found mount, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found.holds(path) {
		m.known[found.path] = &sighting{mount: found, at: now}
		delete(m.assumed, path)
		return
	}
	if len(m.assumed) >= maxAssumed {
		clear(m.assumed)
	}
	m.assumed[path] = now
}

// maxAssumed is how many paths without a mount are remembered.
const maxAssumed = 1 << 14

// NewToken has mounts looked up anew that were not found: another token may see
// them.
func (q *Requester) NewToken() {
	q.mounts.mu.Lock()
	defer q.mounts.mu.Unlock()
	clear(q.mounts.assumed)
}

// recheck is how old a lookup must be for another, when something is not there.
const recheck = 10 * time.Second

// forget forgets the mount of something that is not there, for it may be another
// by now. It reports whether that is worth a lookup.
func (m *mounts) forget(path string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	looked := m.assumed[path]
	s := m.sighting(path)
	if s != nil {
		looked = s.at
	}
	if now.Sub(looked) < recheck {
		return false
	}
	delete(m.assumed, path)
	if s != nil {
		delete(m.known, s.path)
	}
	return true
}

// blind reports whether the metadata in the mount of path must not be read.
func (m *mounts) blind(path string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sighting(path)
	return s != nil && s.blind
}

// setBlind notes that it must not.
func (m *mounts) setBlind(path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sighting(path); s != nil {
		s.blind = true
	}
}

// mountOf returns the mount of a path, after a lookup where it is not known. Of
// several that may have one mount, one looks it up. The warning says that it is
// not certain.
func (q *Requester) mountOf(ctx context.Context, path string, e token.Epoch) (at mount, warning string, err error) {
	at, known := q.mounts.find(path, q.rules.Default, time.Now())
	if known {
		return at, "", nil
	}
	look := func() (any, error) {
		var err error
		warning, err = q.lookUp(ctx, path, e)
		return nil, err
	}
	led := false
	first, _, _ := strings.Cut(path, "/")
	_, err, _ = q.mounts.lookups.Do(first, func() (any, error) {
		led = true
		return look()
	})
	if !led { // what another has found may not be this one's
		if at, known = q.mounts.find(path, q.rules.Default, time.Now()); known {
			return at, "", nil
		}
		_, err = look()
	}
	if err != nil {
		return mount{}, "", err
	}
	at, _ = q.mounts.find(path, q.rules.Default, time.Now())
	return at, warning, nil
}

// lookUp looks up the mount of a path. That it may not do so is not to stop a
// query (COMPAT 3.5).
func (q *Requester) lookUp(ctx context.Context, path string, e token.Epoch) (warning string, err error) {
	s, err := q.Call(ctx, client.LookupMount(path, e.Token))
	switch {
	case err == nil || client.Absent(err):
	case client.Unreachable(err), client.RefusedToken(err) && e.Token != "":
		return "", err
	case client.Class(err) == watch.Retry && e.Token != "":
		return "", err
	case e.Token != "":
		warning = fmt.Sprintf("failed to check if %s is KVv2, assume not: %s", path, err)
	}
	q.mounts.note(path, parseMount(s, q.mounts.namespace), time.Now())
	return warning, nil
}

// atMount has do make an attempt at a path, given its mount. Where that finds
// nothing, and the mount has become another by now, it makes one more.
func (q *Requester) atMount(ctx context.Context, path string, e token.Epoch, do func(mount) (Result, error)) (Result, error) {
	m, warning, err := q.mountOf(ctx, path, e)
	if err != nil {
		return Result{}, err
	}
	result, err := do(m)
	if (result.absent || isMissing(err)) && q.mounts.forget(path, time.Now()) {
		another, again, lookErr := q.mountOf(ctx, path, e)
		if lookErr != nil {
			return Result{}, lookErr
		}
		if warning = again; another != m {
			result, err = do(another)
		}
	}
	if warning != "" {
		result.Warnings = append([]string{warning}, result.Warnings...)
	}
	return result, err
}
