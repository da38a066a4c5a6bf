package nomad

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
	"restencil/watch/transport"
)

const defaultAddress = "http://127.0.0.1:4646"

// newClient returns a client of the agent that o names. It reads the files that o
// names, and sends nothing.
func newClient(o Options) (*client.Client, error) {
	text := cmp.Or(o.Address, defaultAddress)
	if !strings.Contains(text, "://") && !strings.HasPrefix(text, "unix:") {
		text = "http://" + text
	}
	address, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("the address is not a URL")
	}
	connections := o.Transport.New()
	switch address.Scheme {
	case "http", "https":
		if address.Host == "" {
			return nil, errors.New("the address names no host")
		}
	case "unix":
		socket := address.Path
		connections.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return o.Transport.Dialer().DialContext(ctx, "unix", socket)
		}
		address = &url.URL{Scheme: "http", Host: "127.0.0.1"}
	default:
		return nil, errors.New("the address must begin with http://, https:// or unix://")
	}
	if address.User != nil {
		// It would end up in error messages.
		return nil, errors.New("the address must not hold a user name or password: set nomad { auth_username = …, auth_password = … }")
	}
	connections.MaxConnsPerHost = o.connections()
	if address.Scheme == "https" {
		if connections.TLSClientConfig, err = o.TLS.Config(); err != nil {
			return nil, o.TLS.Failed(err)
		}
	}
	address.Path = strings.TrimRight(address.Path, "/")
	counter := transport.Count(connections)
	a := &agent{
		address: address, options: o,
		http: &http.Client{
			Transport: client.ProgressTransport{Base: transport.Traced(counter, o.Log)},
			// A redirect would carry the token to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	return &client.Client{
		Requests:  fetch.Requests{ForKind: a.forKind},
		Transport: connections, Counter: counter, Token: o.Token,
	}, nil
}

// An agent puts queries to a Nomad agent, each once.
type agent struct {
	address *url.URL // without a query
	options Options
	http    *http.Client
}

// get asks for path and decodes the reply into to. It returns false if what was asked
// for does not exist (404).
func (a *agent) get(path string, params url.Values, o *api.QueryOptions, to any) (reply fetch.Reply, found bool, err error) {
	set := func(name, value string) {
		if value != "" {
			params.Set(name, value)
		}
	}
	set("region", cmp.Or(o.Datacenter, a.options.Region))
	set("namespace", o.Namespace)
	if o.AllowStale {
		params.Set("stale", "")
	}
	if o.WaitIndex > 0 {
		params.Set("index", strconv.FormatUint(o.WaitIndex, 10))
	}
	if o.WaitTime > 0 {
		params.Set("wait", strconv.FormatInt(o.WaitTime.Milliseconds(), 10)+"ms")
	}
	at := *a.address
	at.Path, at.RawQuery = at.Path+path, params.Encode()
	r, err := http.NewRequestWithContext(o.Context(), http.MethodGet, at.String(), nil)
	if err != nil {
		return reply, false, err
	}
	if a.options.Token != "" {
		r.Header.Set("X-Nomad-Token", a.options.Token)
	}
	if a.options.Username != "" || a.options.Password != "" {
		r.SetBasicAuth(a.options.Username, a.options.Password)
	}
	resp, err := a.http.Do(r)
	if err != nil {
		return reply, false, err
	}
	defer resp.Body.Close()
	reply.Index, _ = strconv.ParseUint(resp.Header.Get("X-Nomad-Index"), 10, 64)
	contact, _ := strconv.ParseInt(resp.Header.Get("X-Nomad-LastContact"), 10, 64)
	reply.Contact = time.Duration(contact) * time.Millisecond
	found = resp.StatusCode == http.StatusOK
	if found {
		if err = json.NewDecoder(resp.Body).Decode(to); err != nil {
			return reply, false, err
		}
	}
	// What is left is read, so that the connection is used again.
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err == nil && !found && (resp.StatusCode != http.StatusNotFound || reply.Index == 0) { // 404 without an index is not Nomad's
		err = api.StatusError{Code: resp.StatusCode, Body: strings.TrimSpace(string(text))}
	}
	return reply, found, err
}

const maxMessage = 2 << 10 // bytes of an error message, or after a reply, that are read

// explain adds to a refusal of q what the token needs. Nomad says the same of a token that
// it does not know.
func (a *agent) explain(q watch.Query, err error) error {
	switch {
	case fetch.Status(err) != http.StatusForbidden:
		return err
	case a.options.Token == "":
		return fmt.Errorf("%w (there is no token: set NOMAD_TOKEN or nomad { token = … } to one with %s)", err, rights(q))
	}
	return fmt.Errorf("%w (Nomad does not know the token, or its policies do not grant %s)", err, rights(q))
}

// rights returns the rule of a policy that grants q.
func rights(q watch.Query) string {
	in := fmt.Sprintf("namespace %q", cmp.Or(q.Namespace, defaultNamespace))
	switch q.Kind {
	case watch.NomadVarGet:
		return fmt.Sprintf(`%s { variables { path %q { capabilities = ["read"] } } }`, in, q.Name)
	case watch.NomadVarList:
		return fmt.Sprintf(`%s { variables { path %q { capabilities = ["list"] } } }`, in, q.Name+"*")
	}
	return in + ` { capabilities = ["read-job"] }`
}
