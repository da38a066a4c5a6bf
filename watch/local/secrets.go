package local

import (
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"restencil/watch"
	"restencil/watch/local/yamldoc"
)

// secrets returns the section secrets: what Vault answers, by path. That is the fields
// of a secret or, for a list of secrets, their names.
func (d *decoder) secrets(n *yaml.Node) map[string]any {
	secrets := make(map[string]any)
	for path, v := range yamldoc.MapOf(&d.Decoder, n, "secrets", func(n *yaml.Node) *yaml.Node { return n }) {
		if v.Kind == yaml.ScalarNode && !yamldoc.IsNull(v) {
			d.Fail(v, "secret %q is a map of its fields, or a list of names, not %s", path, yamldoc.Describe(v))
		}
		secrets[strings.Trim(path, "/")] = d.value(v)
	}
	return secrets
}

// value returns a value as Vault's JSON has it: a number is a json.Number.
func (d *decoder) value(n *yaml.Node) any {
	switch {
	case yamldoc.IsNull(n):
		return nil
	case yamldoc.IsMap(n):
		m := make(map[string]any)
		for name, v := range yamldoc.Pairs(n) {
			m[name.Value] = d.value(v)
		}
		return m
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, v := range n.Content {
			list = append(list, d.value(v))
		}
		return list
	case n.Tag == "!!bool":
		return strings.EqualFold(n.Value, "true")
	case (n.Tag == "!!int" || n.Tag == "!!float") && json.Valid([]byte(n.Value)):
		return json.Number(n.Value)
	}
	return n.Value
}

// secret returns the answer to a query of Vault, nil if the file has none.
func (m *Model) secret(q watch.Query) any {
	path := strings.Trim(q.Name, "/")
	switch answer := m.secrets[path].(type) {
	case map[string]any:
		switch q.Kind {
		case watch.VaultRead, watch.VaultWrite:
			return watch.Taint(&watch.Secret{Data: answer})
		case watch.VaultPKI:
			text := func(field string) string { s, _ := answer[field].(string); return s }
			c := watch.Certificate{Cert: text("certificate"), Key: text("private_key"), CA: text("issuing_ca"), CAChain: texts(answer["ca_chain"])}
			if c.CAChain == nil && c.CA != "" {
				c.CAChain = []string{c.CA}
			}
			return watch.Taint(c)
		}
	case []any:
		if q.Kind == watch.VaultList {
			return slices.Sorted(slices.Values(texts(answer)))
		}
	}
	return nil
}

// texts returns the texts in a list.
func texts(list any) (texts []string) {
	values, _ := list.([]any)
	for _, v := range values {
		if text, ok := v.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}
