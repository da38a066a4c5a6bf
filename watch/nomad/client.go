package nomad

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"restencil/watch"
	"restencil/watch/blocking"
)

const defaultAddress = "http://127.0.0.1:4646"

// newClient returns a client of the agent that o names. It reads the files that o
// names, and sends nothing.
func newClient(o Options) (*agent, error) {
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
		o.Transport.DialUnix(connections, address.Host+address.Path)
		address = &url.URL{Scheme: "http", Host: "127.0.0.1"}
	default:
		return nil, errors.New("the address must begin with http://, https:// or unix://")
	}
	if address.User != nil {
		// It would end up in error messages.
		return nil, errors.New("the address must not hold a user name or password: set auth_username and auth_password")
	}
	if address.Scheme == "https" {
		if connections.TLSClientConfig, err = o.TLS.Config(); err != nil {
			return nil, err
		}
	}
	address.Path = "" // as for Nomad's own tools
	c := blocking.New(*address, connections, o.Log)
	c.Datacenter, c.Namespace = "region", "namespace"
	c.Params = map[string]string{"region": o.Region}
	c.Authorize("X-Nomad-Token", o.Token, o.Username, o.Password)
	return &agent{options: o, Client: c}, nil
}

// An agent puts queries to a Nomad agent, each once.
type agent struct {
	*blocking.Client
	options Options
}

// get asks for path and decodes the reply into to. It returns false if what was asked
// for does not exist (404).
func (a *agent) get(ctx context.Context, path string, params url.Values, q blocking.Request, to any) (reply blocking.Reply, found bool, err error) {
	reply, err = a.Get(ctx, path, params, q, blocking.JSON(to))
	if blocking.Status(err) == http.StatusNotFound && reply.Index > 0 { // one without an index is not Nomad's
		return reply, false, nil
	}
	return reply, err == nil, err
}

// explain adds to a refusal of q what the token needs. Nomad says the same of a token that
// it does not know.
func (a *agent) explain(q watch.Query, err error) error {
	switch {
	case blocking.Status(err) != http.StatusForbidden:
		return err
	case a.options.Token == "":
		return fmt.Errorf("%w (there is no token: set %s to one with %s)", err, q.Store().Setting("token", "NOMAD_TOKEN"), rights(q))
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
