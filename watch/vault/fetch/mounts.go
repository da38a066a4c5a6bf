package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

// mounts are the known mounts of secrets engines, for any goroutine.
type mounts struct {
	namespace string
	assume    time.Duration      // how long a path without a mount is treated as of an unversioned engine
	lookups   singleflight.Group // by the first element of the path

	mu    sync.Mutex
	known map[string]lookup // by the path of the mount, or of a query that has none, with a final slash
	token int               // the number of the newest
}

// A lookup is the result of a lookup.
type lookup struct {
	mount // zero if there is none
	at    time.Time
}

// lookup returns the lookup that covers a path, and its key, or "". The caller
// holds the lock.
func (m *mounts) lookup(path string) (string, lookup) {
	path += "/"
	for i := range len(path) {
		if l, ok := m.known[path[:i+1]]; ok && path[i] == '/' && (l.mount != mount{} || i == len(path)-1) {
			return path[:i+1], l
		}
	}
	return "", lookup{}
}

// find returns the mount of path, which may be the zero mount, and reports whether
// it is known.
func (m *mounts) find(path string) (at mount, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, l := m.lookup(path)
	return l.mount, key != "" && (l.mount != mount{} || time.Since(l.at) < m.assume)
}

const (
	maxMounts = 1 << 14          // how many lookups are known
	recheck   = 10 * time.Second // the least age of a lookup to be repeated if something does not exist
)

// forget forgets the mount of something that does not exist, for it may have
// changed. It reports whether to look it up again.
func (m *mounts) forget(path string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, l := m.lookup(path)
	if time.Since(l.at) < recheck {
		return false
	}
	delete(m.known, key)
	return true
}

// NewToken forgets the mounts that were not found: the token of this number may see them.
func (q *Requester) NewToken(number int) {
	q.mounts.mu.Lock()
	defer q.mounts.mu.Unlock()
	q.mounts.token = number
	maps.DeleteFunc(q.mounts.known, func(_ string, l lookup) bool { return l.mount == mount{} })
}

// mountOf returns the mount of a path, and looks it up if it is not known. Of
// concurrent calls whose paths may have one mount, one looks it up. The warning
// says that the mount is uncertain.
func (q *Requester) mountOf(ctx context.Context, path string, e token.Epoch) (at mount, warning string, err error) {
	at, known := q.mounts.find(path)
	if known {
		return at, "", nil
	}
	led := false
	first, _, _ := strings.Cut(path, "/")
	_, err, _ = q.mounts.lookups.Do(first, func() (any, error) {
		led = true
		warning, err = q.lookUp(ctx, path, e)
		return nil, err
	})
	if !led { // the mount found may not be that of this path
		if at, known = q.mounts.find(path); known {
			return at, "", nil
		}
		warning, err = q.lookUp(ctx, path, e)
	}
	at, _ = q.mounts.find(path)
	return at, warning, err
}

// lookUp looks up the mount of a path. A lack of rights for that is no error
// (COMPAT 3.5).
func (q *Requester) lookUp(ctx context.Context, path string, e token.Epoch) (warning string, err error) {
	s, err := q.Call(ctx, client.Request{Method: http.MethodGet, Path: client.MountLookup + path, Token: e.Token})
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
	if found.path != "" || e.Number >= m.token { // else NewToken has forgotten it
		m.known[key] = lookup{found, time.Now()}
	}
	return warning, nil
}

// atMount calls do with the mount of a path. If the path does not exist, and its
// mount has changed, it calls do once more.
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
	if warning != "" && err == nil {
		result.Warnings = append([]string{warning}, result.Warnings...)
	}
	return result, err
}

// A mount is a mounted secrets engine.
type mount struct {
	path      string // with a final slash, without the client's namespace; "" if unknown
	versioned bool   // a key-value engine of version 2
	harmless  bool   // reads issue nothing
}

// parseMount returns the mount in the answer to a lookup. It removes the client's
// namespace from the path once (COMPAT 3.5).
func parseMount(s *watch.Secret, namespace string) mount {
	if s == nil {
		return mount{}
	}
	at, _ := s.Data["path"].(string)
	kind, _ := s.Data["type"].(string)
	options, _ := s.Data["options"].(map[string]any)
	version, _ := options["version"].(string)
	// A mount may have the name of the namespace.
	if rest, ok := strings.CutPrefix(at, strings.Trim(namespace, "/")+"/"); ok && rest != "" {
		at = rest
	}
	stores := []string{"kv", "generic", "cubbyhole", "transit", "pki", "system", "identity", "totp"}
	return mount{path: at, versioned: kind == "kv" && version == "2", harmless: slices.Contains(stores, kind)}
}

func (m mount) holds(path string) bool { return m.path != "" && strings.HasPrefix(path+"/", m.path) }

// rest returns the part of a path after the mount.
func (m mount) rest(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, strings.TrimSuffix(m.path, "/")), "/")
}

// dataPath returns the path at which to read or write the secret at path.
func (m mount) dataPath(path string) string {
	for _, area := range []string{"data/", "metadata/", "subkeys/"} {
		if strings.HasPrefix(m.rest(path), area) {
			return path
		}
	}
	return m.in("data/", path)
}

// listPath returns the path at which to list path.
func (m mount) listPath(path string) string {
	if strings.HasPrefix(m.rest(path)+"/", "metadata/") {
		return path
	}
	return m.in("metadata/", path)
}

// in returns the path in an area of a versioned engine; other engines have none.
func (m mount) in(area, path string) string {
	if !m.versioned || !m.holds(path) {
		return path
	}
	return strings.TrimSuffix(m.path+area+m.rest(path), "/")
}

// A version is the metadata of one version of a secret.
type version struct {
	number    string
	deletion  time.Time // zero for none
	destroyed bool
}

func versionOf(s *watch.Secret) version {
	about, _ := s.Data["metadata"].(map[string]any)
	number, _ := about["version"].(json.Number)
	text, _ := about["deletion_time"].(string)
	deletion, _ := time.Parse(time.RFC3339, text)
	return version{number: number.String(), deletion: deletion, destroyed: about["destroyed"] == true}
}
