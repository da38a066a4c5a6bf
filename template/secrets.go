package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"restencil/watch"
	"restencil/watch/lazyregexp"
)

const masked = "***" // replaces a secret

// Secrets are the secrets that an execution used, which must be masked in texts made
// of its output, such as those of a command that reads the file. They print as ***.
// The zero Secrets are none.
type Secrets struct {
	answers []any // each a watch.Tainted, so that reflection sees no value
}

// With returns the secrets of s and of others.
func (s Secrets) With(others ...Secrets) Secrets {
	all := slices.Clip(s.answers)
	for _, o := range others {
		all = append(all, o.answers...)
	}
	return Secrets{all}
}

// None reports whether there are no secrets.
func (s Secrets) None() bool { return len(s.answers) == 0 }

// Mask returns text with *** in place of each value of a secret and each of its lines,
// also with the escapes of Go or JSON. A value of less than 8 bytes is masked unless it
// is part of a longer word. A value of less than 2 bytes, or a word like "true", is not
// masked, nor is what was derived from a value, as by base64.
func (s Secrets) Mask(text string) string { return s.Masker()(text) }

// Masker returns a function like Mask, which is faster for many texts. It may be called
// from any goroutine.
func (s Secrets) Masker() func(text string) string {
	patterns := sync.OnceValue(func() []pattern { return s.patterns(false) })
	return func(text string) string {
		if text == "" || s.None() {
			return text
		}
		return mask(text, masked, patterns())
	}
}

// MaskError returns err, or if its text contains a secret, an error with the masked
// text that does not wrap err.
func (s Secrets) MaskError(err error) error {
	if err != nil {
		if text := s.Mask(err.Error()); text != err.Error() {
			return errors.New(text)
		}
	}
	return err
}

// Format implements fmt.Formatter for all verbs.
func (Secrets) Format(f fmt.State, _ rune) { fmt.Fprint(f, masked) }

// MarshalText implements encoding.TextMarshaler, which JSON, YAML and log/slog use.
func (Secrets) MarshalText() ([]byte, error) { return []byte(masked), nil }

// values are the secret texts in answers.
type values map[string]bool

// answer adds the values in an answer.
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
	case watch.NomadVarItems:
		for _, text := range d.Values() {
			v.add(text)
		}
	}
}

// tree adds the values in decoded JSON: texts, also in a text that is JSON, as of a
// service account; and as consul-template does, the printed forms of maps and lists
// (COMPAT 3.13).
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

const (
	minMasked   = 2 // bytes of a value that is masked
	minAnywhere = 8 // bytes of one that is also masked within a word
)

// A pattern is a text to mask.
type pattern struct {
	text string
	word bool // unless it is part of a longer word
}

// patterns returns the patterns of all values and their lines. With exact, whole values
// of any length are masked anywhere.
func (s Secrets) patterns(exact bool) []pattern {
	v := make(values)
	for _, a := range s.answers {
		v.answer(watch.Reveal(a))
	}
	seen := make(map[pattern]bool)
	var list []pattern
	add := func(text string, exact bool) {
		// As it is, quoted as in Go, and as JSON with and without escapes for HTML.
		quoted := strconv.Quote(text)
		forms := []string{text, quoted[1 : len(quoted)-1]}
		for _, escape := range []bool{false, true} {
			var b strings.Builder
			encoder := json.NewEncoder(&b)
			encoder.SetEscapeHTML(escape)
			if encoder.Encode(text) == nil {
				forms = append(forms, b.String()[1:b.Len()-len("\"\n")])
			}
		}
		for _, form := range forms {
			p := pattern{form, !exact && len(text) < minAnywhere}
			if !seen[p] {
				seen[p] = true
				list = append(list, p)
			}
		}
	}
	for value := range v {
		if exact || revealing(value) {
			add(value, exact)
		}
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); line != value && revealing(line) && !strings.HasPrefix(line, pemEdge) {
				add(line, false)
			}
		}
	}
	return list
}

const pemEdge = "-----" // begins the first and last line of a PEM block, which are not secret

// revealing reports whether a text is long enough, and not a common word.
func revealing(text string) bool {
	common := []string{"no", "yes", "on", "off", "true", "false", "null", "none", "default", "enabled", "disabled", "localhost", "127.0.0.1", "0.0.0.0"}
	return len(text) >= minMasked && !slices.Contains(common, text)
}

// mask returns text with by in place of all matches of patterns. Overlapping or
// adjacent matches are replaced as one.
func mask(text, by string, patterns []pattern) string {
	var hidden []bool // by byte; nil: none
	for _, p := range patterns {
		for from := 0; ; {
			i := strings.Index(text[from:], p.text)
			if i < 0 {
				break
			}
			begin, end := from+i, from+i+len(p.text)
			from = begin + 1
			if p.word && (begin > 0 && wordByte(text[begin-1]) && wordByte(text[begin]) ||
				end < len(text) && wordByte(text[end]) && wordByte(text[end-1])) {
				continue
			}
			if hidden == nil {
				hidden = make([]bool, len(text))
			}
			for at := begin; at < end; at++ {
				hidden[at] = true
			}
		}
	}
	if hidden == nil {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString(by)
		}
	}
	return b.String()
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

const redacted = "[redacted]" // replaces a secret in an error (COMPAT 3.13)

// redact removes secrets from e, which is logged: functions quote their arguments. A
// quoted text that is not in the template's text may be derived from a secret.
func (t *Template) redact(e *Error, secrets Secrets) {
	if secrets.None() {
		return
	}
	text := e.Err.Error()
	if strings.HasPrefix(e.function, "sprig_") || e.function == "call" { // they repeat their arguments without quotes
		if !strings.Contains(t.options.Text, text) {
			text = redacted
		}
	}
	if before, _, found := strings.Cut(text, overWhat); found {
		text = before + overWhat + redacted
	}
	text = mask(text, redacted, secrets.patterns(false)) // a secret may contain quotes
	text = quotation.Get().ReplaceAllStringFunc(text, func(quoted string) string {
		for part := range strings.SplitSeq(quoted[1:len(quoted)-1], redacted) {
			if !strings.Contains(t.options.Text, part) {
				return quoted[:1] + redacted + quoted[:1]
			}
		}
		return quoted
	})
	text = mask(text, redacted, secrets.patterns(true)) // short ones, too
	e.Err = &reason{text: text}                         // without the cause
}

const overWhat = "range can't iterate over " // followed by a value without quotes

var quotation = lazyregexp.New("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
