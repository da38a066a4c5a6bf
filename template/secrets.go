package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"restencil/watch"
)

// masked stands for a secret in what is shown.
const masked = "***"

// Secrets are those that an execution used: what must be taken out of texts that
// others make of its output, such as what a command says that reads the file.
// However it is printed, it shows as ***. The zero Secrets are none.
type Secrets struct {
	answers []any // each Tainted, so that reflection sees no value
}

// With returns the secrets of s and of others.
func (s Secrets) With(others ...Secrets) Secrets {
	all := slices.Clip(s.answers)
	for _, o := range others {
		all = append(all, o.answers...)
	}
	return Secrets{all}
}

// None tells whether there is no secret.
func (s Secrets) None() bool { return len(s.answers) == 0 }

// Mask returns text with *** in the place of each value of a secret, also where
// that is written with the escapes of Go or JSON, and of each of its lines. So
// that a text stays readable, a value of less than 8 bytes is masked only where
// it is no part of a longer word, and not at all if it has less than 4 bytes or
// is a word like "true". What was made of a value, by base64 or by cutting, is
// not found.
func (s Secrets) Mask(text string) string { return s.Masker()(text) }

// Masker returns Mask for many texts: what to look for is made out once. It may
// be called from any goroutine.
func (s Secrets) Masker() func(text string) string {
	patterns := sync.OnceValue(func() []pattern { return s.patterns(false) })
	return func(text string) string {
		if text == "" || s.None() {
			return text
		}
		return mask(text, masked, patterns())
	}
}

// MaskError returns an error that says what err does, masked; it is err itself
// where that says no secret. What is masked has no cause: that says it all.
func (s Secrets) MaskError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if shown := s.Mask(text); shown != text {
		return errors.New(shown)
	}
	return err
}

// Format implements fmt.Formatter for all verbs.
func (Secrets) Format(f fmt.State, _ rune) { fmt.Fprint(f, masked) }

// MarshalText implements encoding.TextMarshaler, which JSON, YAML and log/slog use.
func (Secrets) MarshalText() ([]byte, error) { return []byte(masked), nil }

// patterns returns what is looked for in a text; see values for exact.
func (s Secrets) patterns(exact bool) []pattern {
	v := make(values)
	for _, a := range s.answers {
		v.answer(watch.Reveal(a))
	}
	return v.patterns(exact)
}

// values are the texts that are secret in answers.
type values map[string]bool

// answer adds those of an answer.
func (v values) answer(data any) {
	switch d := data.(type) {
	case *watch.Secret:
		if d == nil {
			return
		}
		v.tree(d.Data)
		v.add(d.LeaseID)
		if d.Auth != nil {
			v.add(d.Auth.ClientToken)
			v.add(d.Auth.Accessor)
		}
		if d.WrapInfo != nil {
			v.add(d.WrapInfo.Token)
			v.add(d.WrapInfo.WrappedAccessor)
		}
	case watch.Certificate:
		v.add(d.Key)
	case *watch.Certificate:
		v.add(d.Key)
	case watch.NomadVarItems:
		for _, text := range d.Values() {
			v.add(text)
		}
	}
}

// tree adds what JSON was decoded to: the texts in it, also where one is JSON
// itself, as that of a service account; and, as consul-template does, the printed
// form of what holds others (COMPAT 3.13).
func (v values) tree(data any) {
	switch d := data.(type) {
	case nil, bool:
	case map[string]any:
		if len(d) > 0 {
			v.add(fmt.Sprint(d))
		}
		for _, element := range d {
			v.tree(element)
		}
	case []any:
		if len(d) > 0 {
			v.add(fmt.Sprint(d))
		}
		for _, element := range d {
			v.tree(element)
		}
	case string:
		v.add(d)
		text := strings.TrimSpace(d)
		var embedded any
		if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
			if json.Unmarshal([]byte(text), &embedded) == nil {
				v.tree(embedded)
			}
		}
	default:
		v.add(fmt.Sprint(d)) // a number
	}
}

func (v values) add(text string) {
	if text != "" {
		v[text] = true
	}
}
