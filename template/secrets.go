package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"restencil/watch"
)

const masked = "***" // stands for a secret in what is shown

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
// it is no part of a longer word, and not at all if it has less than 2 bytes or
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

// How long a value must be to be masked in a text: at all, and in the middle of
// a word, too.
const (
	leastMasked   = 2
	leastAnywhere = 8
)

// A pattern is a text to be masked.
type pattern struct {
	text string
	word bool // only where it is no part of a longer word
}

// patterns returns the patterns of all values and of their lines. With exact
// the whole values count wherever they occur, however short they are.
func (v values) patterns(exact bool) []pattern {
	seen := make(map[pattern]bool)
	var list []pattern
	add := func(text string, exact bool) {
		// The ways to write it: as it is, quoted as Go does, and as JSON with and
		// without escapes for HTML.
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
			p := pattern{form, !exact && len(text) < leastAnywhere}
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

// pemEdge begins the first and the last line of a PEM block, which give nothing
// away.
const pemEdge = "-----"

// revealing reports whether a text gives something away: it is long enough, and no
// word whose absence would be felt.
func revealing(text string) bool {
	common := []string{"no", "yes", "on", "off", "true", "false", "null", "none", "default", "enabled", "disabled", "localhost", "127.0.0.1", "0.0.0.0"}
	return len(text) >= leastMasked && !slices.Contains(common, text)
}

// mask returns text with by in the place of what the patterns fit. What overlaps
// or touches is one place.
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

const redacted = "[redacted]" // stands for a secret in an error (COMPAT 3.13)

// redact takes from e what Vault and Nomad answered to the execution: functions
// quote what they were given, and an error goes to logs. What the template
// itself says, its name and its expressions, stays. A quoted text that the
// template does not say may be a part of a secret, or what was made of one.
func (t *Template) redact(e *Error, secrets Secrets) {
	if secrets.None() {
		return
	}
	text := e.Err.Error()
	if strings.HasPrefix(e.function, "sprig_") || e.function == "call" { // they repeat what they are given as it is
		if !strings.Contains(t.options.Text, text) {
			text = redacted
		}
	}
	if before, _, found := strings.Cut(text, overWhat); found {
		text = before + overWhat + redacted
	}
	text = mask(text, redacted, secrets.patterns(false)) // what may have quotes in it
	text = quotation.ReplaceAllStringFunc(text, func(quoted string) string {
		for part := range strings.SplitSeq(quoted[1:len(quoted)-1], redacted) {
			if !strings.Contains(t.options.Text, part) { // it may be another value in disguise
				return quoted[:1] + redacted + quoted[:1]
			}
		}
		return quoted
	})
	text = mask(text, redacted, secrets.patterns(true)) // short ones, too
	e.Err = &reason{text: text}                         // without its cause, which says it all
}

const overWhat = "range can't iterate over " // what text/template says before a value that it does not quote

var quotation = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
