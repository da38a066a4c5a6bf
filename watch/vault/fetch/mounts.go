package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	assume    time.Duration      // how long a path without a mount is taken for one of no versioned engine
	lookups   singleflight.Group // by the first element of the paths, which may have one mount

	mu    sync.Mutex
	known map[string]sighting // by the path of the mount, or of a query that has none, and a slash
}

// A sighting is what a lookup has shown.
type sighting struct {
	mount // zero: none
	at    time.Time
}

// sighting returns that of a path, and its key; "" where there is none. The caller
// holds the lock.
func (m *mounts) sighting(path string) (string, sighting) {
	path += "/"
	for i := range len(path) {
		if s, ok := m.known[path[:i+1]]; ok && path[i] == '/' && (s.mount != mount{} || i == len(path)-1) {
			return path[:i+1], s
		}
	}
	return "", sighting{}
}

// find returns the mount that holds path, and reports whether it is known, or
// taken for the zero mount.
func (m *mounts) find(path string) (at mount, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, s := m.sighting(path)
	return s.mount, key != "" && (s.mount != mount{} || time.Since(s.at) < m.assume)
}

const maxMounts = 1 << 14 // how many are known at most

const recheck = 10 * time.Second // how old a lookup must be for another, when something is not there

// forget forgets the mount of something that is not there, for it may be another
// by now. It reports whether that is worth a lookup.
func (m *mounts) forget(path string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, s := m.sighting(path)
	if time.Since(s.at) < recheck {
		return false
	}
	delete(m.known, key)
	return true
}

// NewToken has mounts looked up anew that were not found: another token may see
// them.
func (q *Requester) NewToken() {
	q.mounts.mu.Lock()
	defer q.mounts.mu.Unlock()
	maps.DeleteFunc(q.mounts.known, func(_ string, s sighting) bool { return s.mount == mount{} })
}

// mountOf returns the mount of a path, after a lookup where it is not known. Of
// several that may have one mount, one looks it up. The warning says that it is
// not certain.
func (q *Requester) mountOf(ctx context.Context, path string, e token.Epoch) (at mount, warning string, err error) {
	at, known := q.mounts.find(path)
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
		if at, known = q.mounts.find(path); known {
			return at, "", nil
		}
		_, err = look()
	}
	if err != nil {
		return mount{}, "", err
	}
	at, _ = q.mounts.find(path)
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
	m, found := q.mounts, parseMount(s, q.mounts.namespace)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= maxMounts {
		clear(m.known)
	}
	key := found.path
	if !found.holds(path) {
		key, found = path+"/", mount{}
	}
	m.known[key] = sighting{found, time.Now()}
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
	_, missing := errors.AsType[*MissingError](err)
	if (missing || client.Absent(err) || result.absent) && q.mounts.forget(path) {
		another, again, lookErr := q.mountOf(ctx, path, e)
		if lookErr != nil {
			return Result{}, lookErr
		}
		if warning = again; another != m {
			result, err = do(another)
		}
	}
	if warning != "" && err == nil { // else that tells it
		result.Warnings = append([]string{warning}, result.Warnings...)
	}
	return result, err
}

// A mount is where an engine is, as far as paths depend on it.
type mount struct {
	path      string // with a slash at its end, and without the client's namespace; "": not known
	versioned bool   // a key-value engine of version 2
	harmless  bool   // known to issue nothing, whatever is read there
}

// parseMount reads what Vault says of the mount of a path. The client's
// namespace, which Vault puts before the mount's path, is taken away once
// (COMPAT 3.5).
func parseMount(s *watch.Secret, namespace string) mount {
	if s == nil {
		return mount{}
	}
	at, _ := s.Data["path"].(string)
	kind, _ := s.Data["type"].(string)
	options, _ := s.Data["options"].(map[string]any)
	version, _ := options["version"].(string)
	// A mount may have the name of the namespace: of that nothing would be left.
	if rest, ok := strings.CutPrefix(at, strings.Trim(namespace, "/")+"/"); ok && rest != "" {
		at = rest
	}
	stores := []string{"kv", "generic", "cubbyhole", "transit", "pki", "system", "identity", "totp"}
	return mount{path: at, versioned: kind == "kv" && version == "2", harmless: slices.Contains(stores, kind)}
}

func (m mount) holds(path string) bool { return m.path != "" && strings.HasPrefix(path+"/", m.path) }

// rest returns a path that the mount holds, from the mount on.
func (m mount) rest(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, strings.TrimSuffix(m.path, "/")), "/")
}

// dataPath returns where to read or write the secret that people know by path.
func (m mount) dataPath(path string) string {
	if !m.versioned || !m.holds(path) {
		return path
	}
	rest := m.rest(path)
	for _, area := range []string{"data/", "metadata/", "subkeys/"} {
		if strings.HasPrefix(rest, area) {
			return path
		}
	}
	return strings.TrimSuffix(m.path+"data/"+rest, "/")
}

// listPath returns where to list what people know by path.
func (m mount) listPath(path string) string {
	if !m.versioned || !m.holds(path) {
		return path
	}
	rest := m.rest(path)
	if rest == "metadata" || strings.HasPrefix(rest, "metadata/") {
		return path
	}
	return strings.TrimSuffix(m.path+"metadata/"+rest, "/")
}

// A version is what Vault says of one version of a secret.
type version struct {
	number    string
	deletion  time.Time // zero: there is none
	destroyed bool
}

func versionOf(s *watch.Secret) version {
	about, _ := s.Data["metadata"].(map[string]any)
	number, _ := about["version"].(json.Number)
	text, _ := about["deletion_time"].(string)
	deletion, _ := time.Parse(time.RFC3339, text)
	return version{number: number.String(), deletion: deletion, destroyed: about["destroyed"] == true}
}

func (v version) deleted(now time.Time) bool { return !v.deletion.IsZero() && now.After(v.deletion) }
