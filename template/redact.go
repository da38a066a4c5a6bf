package template

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"restencil/watch"
)

// redacted stands for a secret in an error (COMPAT 3.13).
const redacted = "[redacted]"

// redact takes from e what Vault and Nomad answered to the execution: functions
// quote what they were given, and an error goes to logs. What the template
// itself says, its name and its expressions, stays.
func (r *recorder) redact(e *Error) {
	var secrets []string
	for _, q := range r.used.queries() {
		if s := q.Store(); s != watch.Vault && s != watch.Nomad {
			continue
		}
		if a, known := r.answers(q); known {
			secrets = append(secrets, values(a.Data)...)
		}
	}
	if len(secrets) == 0 {
		return
	}
	// The longer ones first: one may be a part of another.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	text := e.Err.Error()
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, redacted)
		}
	}
	e.Err = &reason{text: text} // without its cause, which says it all
}

// values returns the texts of all values in an answer, and of those that hold
// others, the whole as well.
func values(data any) []string {
	switch d := data.(type) {
	case nil:
		return nil
	case *watch.Secret:
		if d == nil {
			return nil
		}
		return values(d.Data)
	case watch.Certificate:
		return []string{d.Key}
	case *watch.Certificate:
		return values(*d)
	case watch.NomadVarItems:
		return d.Values()
	case map[string]any:
		texts := []string{fmt.Sprint(d)}
		for _, v := range d {
			texts = append(texts, values(v)...)
		}
		return texts
	case []any:
		texts := []string{fmt.Sprint(d)}
		for _, v := range d {
			texts = append(texts, values(v)...)
		}
		return texts
	case string:
		return []string{d}
	case json.Number:
		return []string{d.String()}
	default:
		return nil // lists of names and the like are no secrets
	}
}
