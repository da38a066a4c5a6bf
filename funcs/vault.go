package funcs

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"text/template"

	"restencil/watch"
)

// vault has the functions that query Vault (COMPAT 3.5).
type vault struct{ env *Env }

func (e *Env) vaultFuncs() template.FuncMap {
	v := vault{e}
	return template.FuncMap{
		"secret":  v.secret,
		"secrets": v.secrets,
		"pkiCert": v.pkiCert,
	}
}

// secret reads a path, or writes the arguments after it, if any, there. It returns a
// *watch.Secret, or an untyped nil without an answer.
func (v vault) secret(args ...string) (any, error) {
	if len(args) == 0 {
		return nil, nil
	}
	path, cluster := v.split(args[0])
	q, err := secretQuery(path, args[1:])
	q.Cluster = cluster
	if err != nil {
		return nil, err
	}
	s, known, err := ask[*watch.Secret](v.env, q)
	if err != nil || !known {
		return nil, err
	}
	// Functions such as sprig_set can change a secret's Data, which other templates
	// share: this execution has one copy, in which changes show, as in
	// consul-template.
	scratch := v.env.scratch
	own, ok := scratch.secrets[q]
	if !ok {
		own = s.Clone()
		scratch.secrets[q] = own
	}
	return own, nil
}

func (v vault) secrets(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	path, cluster := v.split(path)
	name, err := vaultPath(watch.VaultList, path)
	if err != nil {
		return nil, err
	}
	list, _, err := ask[[]string](v.env, watch.Query{Kind: watch.VaultList, Name: name, Cluster: cluster})
	return slices.Clone(list), err // which the template may sort in place
}

// pkiCert returns a watch.Certificate that Vault issues, or an untyped nil without an
// answer.
func (v vault) pkiCert(args ...string) (any, error) {
	if len(args) == 0 {
		return nil, nil
	}
	body, err := parsePairs(args[1:])
	if err != nil {
		return nil, err
	}
	path, cluster := v.split(args[0])
	u, err := vaultURL(path)
	if err != nil {
		return nil, err
	}
	q := watch.Query{Kind: watch.VaultPKI, Name: u.Path, Cluster: cluster, Params: watch.PKIParams(body, v.env.CertFiles...)}
	c, known, err := ask[watch.Certificate](v.env, q)
	if err != nil || !known {
		return nil, err
	}
	c.CAChain = slices.Clone(c.CAChain) // which the template may sort in place
	return c, nil
}

// split returns a path without the cluster that it names as in kv/x?cluster=eu. Without
// clusters that is a parameter like any other, which Vault gets.
func (v vault) split(arg string) (path, cluster string) {
	path, params, found := strings.Cut(arg, "?")
	if !found || v.env.Vaults == nil || !v.env.Vaults() {
		return arg, ""
	}
	for param := range strings.SplitSeq(params, "&") {
		if name, ok := strings.CutPrefix(param, "cluster="); ok {
			cluster = strings.TrimSpace(name)
			params = strings.Trim(strings.Replace("&"+params+"&", "&"+param+"&", "&", 1), "&")
		}
	}
	if params != "" {
		path += "?" + params
	}
	return path, cluster
}

func secretQuery(path string, pairs []string) (watch.Query, error) {
	if len(pairs) == 0 {
		u, err := vaultURL(path)
		if err != nil {
			return watch.Query{}, err
		}
		return watch.Query{Kind: watch.VaultRead, Name: u.Path, Params: u.Query().Encode()}, nil
	}
	body, err := parsePairs(pairs)
	if err != nil {
		return watch.Query{}, err
	}
	name, err := vaultPath(watch.VaultWrite, path)
	if err != nil {
		return watch.Query{}, err
	}
	return watch.Query{Kind: watch.VaultWrite, Name: name, Params: body.Encode()}, nil
}

// vaultPath returns a path without surrounding spaces, then slashes.
func vaultPath(kind watch.Kind, path string) (string, error) {
	path = strings.Trim(strings.TrimSpace(path), "/")
	if path == "" {
		return "", invalid(string(kind), path)
	}
	return path, nil
}

// vaultURL is vaultPath for a path with a query, such as "?version=2".
func vaultURL(path string) (*url.URL, error) {
	path, err := vaultPath(watch.VaultRead, path)
	if err != nil {
		return nil, err
	}
	return url.Parse(path)
}

// parsePairs parses k=v arguments. It ignores empty ones, and uses the last value of a
// key.
func parsePairs(args []string) (url.Values, error) {
	pairs := make(url.Values, len(args))
	for _, arg := range args {
		if arg == "" {
			continue
		}
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("not k=v pair %q", arg)
		}
		pairs.Set(strings.TrimSpace(key), strings.TrimSpace(value))
	}
	return pairs, nil
}
