package vault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

// A vaultModel is a Vault in memory. It implements caller.
type vaultModel struct {
	mu       sync.Mutex
	engines  map[string]*engine // by path, with a slash at the end
	tokens   map[client.Token]*modelToken
	leases   map[string]*modelLease
	serial   int
	delay    time.Duration              // of each request
	trouble  func(client.Request) error // nil: none
	calls    map[string]int             // by method and path
	underWay int
	mostEver int
	pki      *authorityModel
}

// An engine is a mount. What it keeps depends on its kind.
type engine struct {
	kind     string // kv1, kv2, db, static, echo, pki
	secrets  map[string]map[string]any
	versions map[string][]*version
	ttl, max time.Duration // of leases
	late     time.Duration // a static role: so long after the end of its time is it rotated
	issues   int
}

type version struct {
	data      map[string]any
	created   time.Time
	deleted   string
	destroyed bool
}

type modelToken struct {
	ends   time.Time // zero: never
	denied []string  // prefixes of paths
}

type modelLease struct {
	token     client.Token
	ends, max time.Time
	ttl       time.Duration
}

func newVaultModel() *vaultModel {
	return &vaultModel{
		engines: make(map[string]*engine), leases: make(map[string]*modelLease),
		tokens: map[client.Token]*modelToken{"root": {}},
		calls:  make(map[string]int), delay: time.Millisecond,
	}
}

func (m *vaultModel) mount(path, kind string) *engine {
	e := &engine{kind: kind, secrets: make(map[string]map[string]any), versions: make(map[string][]*version), ttl: time.Hour, max: 24 * time.Hour}
	m.engines[path] = e
	return e
}

// change changes the model, which may be in use.
func (m *vaultModel) change(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do()
}

func (e *engine) put(name, value string) {
	data := map[string]any{"value": value}
	e.secrets[name] = data
	e.versions[name] = append(e.versions[name], &version{data: data, created: time.Now()})
}

// call implements caller.
func (m *vaultModel) Call(ctx context.Context, r client.Request) (*watch.Secret, error) {
	m.begin(r)
	defer m.change(func() { m.underWay-- })
	timer := time.NewTimer(m.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.trouble != nil {
		if err := m.trouble(r); err != nil {
			return nil, err
		}
	}
	if r.Path == "sys/health" {
		return &watch.Secret{}, nil
	}
	return m.answer(r)
}

func (m *vaultModel) begin(r client.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[r.Method+" "+r.Path]++
	m.underWay++
	m.mostEver = max(m.mostEver, m.underWay)
}

// count returns how many requests there were whose method and path begin so.
func (m *vaultModel) count(prefix string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for call, times := range m.calls {
		if strings.HasPrefix(call, prefix) {
			n += times
		}
	}
	return n
}

func refuse(code int, messages ...string) error {
	return &client.ResponseError{Status: code, Messages: messages}
}

func (m *vaultModel) answer(r client.Request) (*watch.Secret, error) {
	t := m.tokens[r.Token]
	if t == nil || !t.ends.IsZero() && !time.Now().Before(t.ends) {
		return nil, refuse(403, "permission denied", "invalid token")
	}
	for _, prefix := range t.denied {
		if strings.HasPrefix(r.Path, prefix) {
			return nil, refuse(403, "permission denied")
		}
	}
	m.serial++
	id := "request-" + strconv.Itoa(m.serial)
	s, err := m.respond(r)
	if s != nil {
		s.RequestID = id
	}
	return s, err
}

func (m *vaultModel) respond(r client.Request) (*watch.Secret, error) {
	if path, ok := strings.CutPrefix(r.Path, "sys/internal/ui/mounts/"); ok {
		return m.describe(path)
	}
	switch r.Path {
	case "auth/token/create":
		return m.create(r)
	case "auth/token/renew-self":
		m.tokens[r.Token].ends = time.Now().Add(time.Minute)
		return &watch.Secret{Auth: &watch.SecretAuth{ClientToken: string(r.Token), LeaseDuration: 60, Renewable: true}}, nil
	case "auth/token/revoke-self":
		delete(m.tokens, r.Token)
		return nil, nil
	case "sys/leases/renew":
		return m.renew(r.Body.(map[string]any)["lease_id"].(string))
	case "sys/leases/revoke":
		delete(m.leases, r.Body.(map[string]any)["lease_id"].(string))
		return nil, nil
	}
	for at, e := range m.engines {
		if strings.HasPrefix(r.Path+"/", at) {
			return m.serve(e, strings.Trim(strings.TrimPrefix(r.Path+"/", at), "/"), r)
		}
	}
	return nil, refuse(404, "no handler for route \""+r.Path+"\". route entry not found.")
}

func (m *vaultModel) describe(path string) (*watch.Secret, error) {
	for at, e := range m.engines {
		if !strings.HasPrefix(path+"/", at) {
			continue
		}
		data := map[string]any{"path": at, "type": e.kind}
		if v, ok := strings.CutPrefix(e.kind, "kv"); ok {
			data["type"], data["options"] = "kv", map[string]any{"version": v}
		}
		return &watch.Secret{Data: data}, nil
	}
	return nil, refuse(403, "preflight capability check returned 403, please ensure client's policies grant access to path \""+path+"/\"")
}

func (m *vaultModel) serve(e *engine, name string, r client.Request) (*watch.Secret, error) {
	switch {
	case r.Lists():
		return e.list(name)
	case e.kind == "kv1" && r.Method == "PUT":
		e.put(name, fmt.Sprint(r.Body.(map[string]any)["value"]))
		return nil, nil
	case e.kind == "kv1":
		if data := e.secrets[name]; data != nil {
			return &watch.Secret{Data: data, LeaseDuration: 2764800}, nil
		}
		return nil, refuse(404)
	case e.kind == "kv2":
		return e.versioned(name, r)
	case e.kind == "db":
		e.issues++
		return m.issue(e, r), nil
	case e.kind == "static":
		since := time.Since(time.Unix(0, 0))
		turn, left := int64(since/e.ttl), e.ttl-since%e.ttl
		if since%e.ttl < e.late {
			turn, left = turn-1, 0
		}
		return &watch.Secret{Data: map[string]any{
			"password": turn, "rotation_period": json.Number("600"),
			"ttl": json.Number(strconv.Itoa(int(left.Seconds()))),
		}}, nil
	case e.kind == "echo":
		e.issues++
		return &watch.Secret{Data: map[string]any{"n": json.Number(strconv.Itoa(e.issues)), "body": r.Body}}, nil
	case e.kind == "pki":
		e.issues++
		return m.pki.issue(e.ttl, r.Body.(map[string]any))
	}
	return nil, refuse(400, "unsupported operation")
}

func (e *engine) list(prefix string) (*watch.Secret, error) {
	if e.kind == "kv2" {
		prefix = strings.TrimPrefix(strings.TrimPrefix(prefix, "metadata"), "/")
	}
	var keys []any
	for name := range e.secrets {
		if rest, ok := strings.CutPrefix(name, prefix); ok && e.secrets[name] != nil {
			keys = append(keys, strings.TrimPrefix(rest, "/"))
		}
	}
	if len(keys) == 0 {
		return nil, refuse(404)
	}
	return &watch.Secret{Data: map[string]any{"keys": keys}}, nil
}

func (e *engine) versioned(path string, r client.Request) (*watch.Secret, error) {
	area, name, _ := strings.Cut(path, "/")
	versions := e.versions[name]
	switch {
	case area == "metadata" && len(versions) > 0:
		return &watch.Secret{Data: metadataOf(versions)}, nil
	case area == "data" && r.Method == "PUT":
		e.put(name, fmt.Sprint(r.Body.(map[string]any)["data"].(map[string]any)["value"]))
		return &watch.Secret{Data: describeVersion(e.versions[name], len(e.versions[name]))}, nil
	case area == "data" && len(versions) > 0:
		n, err := strconv.Atoi(r.Query.Get("version"))
		if err != nil {
			n = len(versions)
		}
		if n > len(versions) {
			return nil, refuse(404)
		}
		data := any(versions[n-1].data)
		if versions[n-1].destroyed || versions[n-1].deleted != "" {
			data = nil
		}
		return &watch.Secret{Data: map[string]any{"data": data, "metadata": describeVersion(versions, n)}}, nil
	case area != "data" && area != "metadata" && area != "subkeys":
		return &watch.Secret{Warnings: []string{"Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use."}}, nil
	}
	return nil, refuse(404)
}

func describeVersion(versions []*version, n int) map[string]any {
	v := versions[n-1]
	return map[string]any{
		"version": json.Number(strconv.Itoa(n)), "created_time": v.created.Format(time.RFC3339Nano),
		"deletion_time": v.deleted, "destroyed": v.destroyed, "custom_metadata": nil,
	}
}

func metadataOf(versions []*version) map[string]any {
	all := make(map[string]any)
	for n := range versions {
		about := describeVersion(versions, n+1)
		delete(about, "version")
		delete(about, "custom_metadata")
		all[strconv.Itoa(n+1)] = about
	}
	return map[string]any{"current_version": json.Number(strconv.Itoa(len(versions))), "versions": all, "custom_metadata": nil}
}

// issue makes a credential with a lease, which dies with the token.
func (m *vaultModel) issue(e *engine, r client.Request) *watch.Secret {
	id := fmt.Sprintf("%s/lease-%d", r.Path, m.serial)
	now := time.Now()
	m.leases[id] = &modelLease{token: r.Token, ends: now.Add(e.ttl), max: now.Add(e.max), ttl: e.ttl}
	return &watch.Secret{
		LeaseID: id, LeaseDuration: int(e.ttl.Seconds()), Renewable: e.max > e.ttl,
		Data: map[string]any{"password": id},
	}
}

// create makes a token that lives a minute.
func (m *vaultModel) create(client.Request) (*watch.Secret, error) {
	name := fmt.Sprint("child-", m.serial)
	m.tokens[client.Token(name)] = &modelToken{ends: time.Now().Add(time.Minute)}
	return &watch.Secret{Auth: &watch.SecretAuth{ClientToken: name, LeaseDuration: 60, Renewable: true}}, nil
}

// lives tells whether a credential is good.
func (m *vaultModel) lives(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.alive(id)
}

func (m *vaultModel) alive(id string) bool {
	l := m.leases[id]
	if l == nil {
		return false
	}
	t := m.tokens[l.token]
	now := time.Now()
	return now.Before(l.ends) && t != nil && (t.ends.IsZero() || now.Before(t.ends))
}

func (m *vaultModel) renew(id string) (*watch.Secret, error) {
	if !m.alive(id) {
		return nil, refuse(400, "lease not found")
	}
	l := m.leases[id]
	l.ends = time.Now().Add(l.ttl)
	if l.max.Before(l.ends) {
		l.ends = l.max
	}
	left := time.Until(l.ends)
	return &watch.Secret{LeaseID: id, LeaseDuration: int(left.Seconds()), Renewable: true}, nil
}

// A holderModel is a manager whose credential a test sets.
type holderModel struct {
	mu      sync.Mutex
	cred    token.Epoch
	err     error
	news    chan struct{}
	revoked bool
	told    []int // the generations that were refused
}

func newHolderModel() *holderModel {
	return &holderModel{cred: token.Epoch{Token: "root", Number: 1}, news: make(chan struct{}, 1)}
}

func (h *holderModel) Current() (token.Epoch, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cred, h.err
}

func (h *holderModel) Changed() <-chan struct{} { return h.news }

func (h *holderModel) Refused(c token.Epoch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, c.Number)
}

func (h *holderModel) set(c token.Epoch, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cred, h.err = c, err
	select {
	case h.news <- struct{}{}:
	default:
	}
}

func (h *holderModel) Run(ctx context.Context) { <-ctx.Done() }

func (h *holderModel) Revoke(context.Context) error {
	h.revoked = true
	return nil
}

// A world is a source with a Vault in memory behind it, in a bubble of fake
// time.
type world struct {
	*testing.T
	vault   *vaultModel
	holder  *holderModel
	source  *Source
	notices []string
	mu      sync.Mutex
	stop    func()
}

// filled returns o with defaults in place of zero values.
func (o Options) filled() Options {
	d := DefaultOptions()
	o.Lease.Default = cmp.Or(max(o.Lease.Default, 0), d.Lease.Default)
	o.Limit = cmp.Or(o.Limit, d.Limit)
	o.MaxRequests = cmp.Or(max(o.MaxRequests, 0), d.MaxRequests)
	o.Lease.Threshold = cmp.Or(o.Lease.Threshold, d.Lease.Threshold)
	if o.Retry == (schedule.Backoff{}) {
		o.Retry = d.Retry
	}
	return o
}

func inWorld(t *testing.T, o Options, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, vault: newVaultModel(), holder: newHolderModel()}
		o.Notice = func(err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.notices = append(w.notices, err.Error())
		}
		w.source = newSource(o.filled(), w.vault, w.holder, "")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.source.Run(ctx)
		}()
		w.stop = func() {
			cancel()
			<-ended
		}
		defer w.stop()
		test(w)
		if w.vault.mostEver > o.filled().MaxRequests {
			t.Errorf("%d requests were under way at a time", w.vault.mostEver)
		}
	})
}

// watch watches q. The sink remembers the newest answer and failure.
func (w *world) watch(q watch.Query) *sinkModel {
	s := &sinkModel{Recorder: watchtest.NewRecorder(w.T)}
	w.source.Watch(watch.Subscription{ID: q.ID(), Sink: s})
	return s
}

func (w *world) noticed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.notices)
}

// issues returns how many an engine has issued.
func (w *world) issues(e *engine) int {
	w.vault.mu.Lock()
	defer w.vault.mu.Unlock()
	return e.issues
}

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

type sinkModel struct{ *watchtest.Recorder }

// answers returns what was published, without the failures.
func (s *sinkModel) answers() []any {
	var list []any
	for _, e := range s.Events() {
		if e.Err == nil {
			list = append(list, watch.Reveal(e.Answer.Data))
		}
	}
	return list
}

// failure returns the newest event, if that is a failure.
func (s *sinkModel) failure() error {
	events := s.Events()
	if len(events) == 0 {
		return nil
	}
	return events[len(events)-1].Err
}

// field returns a field of the newest secret.
func (s *sinkModel) field(path ...string) any {
	all := s.answers()
	if len(all) == 0 {
		return nil
	}
	secret, _ := all[len(all)-1].(*watch.Secret)
	if secret == nil {
		return nil
	}
	v := any(secret.Data)
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func read(path string) watch.Query { return watch.Query{Kind: watch.VaultRead, Name: path} }

var errNetwork = &net.OpError{Op: "dial", Err: errors.New("connection refused")}

// errHung is an error of a request that was sent: nobody knows what came of it.
var errHung = &net.OpError{Op: "read", Err: errors.New("connection reset")}
