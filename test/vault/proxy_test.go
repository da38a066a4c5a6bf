package vault

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"testing"

	"restencil/test/servers"
)

// A proxy stands before a Vault. It counts the requests, knows the tokens that
// came with them, and lets some of them fail.
type proxy struct {
	server  *httptest.Server
	forward http.Handler

	mu     sync.Mutex
	asked  []string        // "METHOD path" of each request, in order
	tokens map[string]bool // that requests bore
	issued map[string]bool // secrets that Vault answered with
	flying int             // how many requests are under way
	most   int             // the most that were
	faults map[string]fault
}

// A fault is what happens to requests that match.
type fault struct {
	what *regexp.Regexp // of "METHOD path"
	do   func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

func newProxy(t *testing.T, v *servers.VaultServer) *proxy {
	t.Helper()
	to, err := url.Parse(v.URL())
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { hangUp(w, nil, nil) }
	forward.Transport = &http.Transport{MaxIdleConnsPerHost: 100}
	p := &proxy{forward: forward, tokens: make(map[string]bool), issued: make(map[string]bool), faults: make(map[string]fault)}
	forward.ModifyResponse = p.learn
	p.server = httptest.NewServer(p)
	t.Cleanup(func() {
		p.server.CloseClientConnections()
		p.server.Close()
		forward.Transport.(*http.Transport).CloseIdleConnections()
	})
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	do := p.begin(r)
	defer p.end()
	if do != nil {
		do(w, r, p.forward)
		return
	}
	p.forward.ServeHTTP(w, r)
}

func (p *proxy) begin(r *http.Request) (do func(http.ResponseWriter, *http.Request, http.Handler)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying++
	p.most = max(p.most, p.flying)
	what := r.Method + " " + r.URL.Path
	p.asked = append(p.asked, what)
	if token := r.Header.Get("X-Vault-Token"); token != "" {
		p.tokens[token] = true
	}
	for _, f := range p.faults {
		if f.what.MatchString(what) {
			return f.do
		}
	}
	return nil
}

func (p *proxy) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying--
}

// busy reports whether a request is under way.
func (p *proxy) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flying > 0
}

// fault has something happen to all requests that match, until heal.
func (p *proxy) fault(what string, do func(http.ResponseWriter, *http.Request, http.Handler)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[what] = fault{regexp.MustCompile(what), do}
}

// heal ends all faults.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.faults)
}

// count returns how many requests there were that match.
func (p *proxy) count(what string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	match := regexp.MustCompile(what)
	for _, asked := range p.asked {
		if match.MatchString(asked) {
			n++
		}
	}
	return n
}

// seenTokens returns all tokens that requests bore.
func (p *proxy) seenTokens() (tokens []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for token := range p.tokens {
		tokens = append(tokens, token)
	}
	return tokens
}

// learn takes up the secrets that an answer has.
func (p *proxy) learn(answer *http.Response) error {
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, found := range regexp.MustCompile(`"(?:client_token|token|private_key)":"([^"]{20,})"`).FindAllSubmatch(text, -1) {
		p.issued[string(found[1])] = true
	}
	return nil
}

// secrets returns all tokens that requests bore, and what Vault answered with.
func (p *proxy) secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.AppendSeq(slices.Collect(maps.Keys(p.tokens)), maps.Keys(p.issued))
}

// answers returns a fault: a status and an error.
func answers(status int, message string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{message}})
	}
}

// loses is a fault: Vault does what it is asked, and its answer is lost.
func loses(w http.ResponseWriter, r *http.Request, next http.Handler) {
	next.ServeHTTP(newRecorder(), r)
	hangUp(w, r, next)
}

// hangUp is a fault: the connection ends without an answer.
func hangUp(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }
