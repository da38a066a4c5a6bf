package watch

import (
	"fmt"
	"log/slog"
)

// masked stands for a tainted value wherever one is shown.
const masked = "***"

// A Tainted holds a value that must not be shown: a secret. However it is
// printed, logged or encoded, and whatever holds it, it shows as ***. The
// Answer.Data of queries to Vault (but for lists of names) is a Tainted; only
// what makes a file's bytes takes the value out.
type Tainted struct {
	value func() any // which reflection does not see through
}

// Taint returns v as a Tainted, and nil as it is: that there is no such thing
// is no secret. A Tainted stays as it is.
func Taint(v any) any {
	if _, tainted := v.(Tainted); tainted || v == nil {
		return v
	}
	return Tainted{func() any { return v }}
}

// Reveal returns the value that a Tainted holds, and anything else as it is.
func Reveal(v any) any {
	if t, ok := v.(Tainted); ok && t.value != nil {
		return t.value()
	}
	return v
}

// Format implements fmt.Formatter for all verbs.
func (Tainted) Format(f fmt.State, _ rune) { fmt.Fprint(f, masked) }

// String returns ***.
func (Tainted) String() string { return masked }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use.
func (Tainted) MarshalText() ([]byte, error) { return []byte(masked), nil }

// LogValue implements slog.LogValuer.
func (Tainted) LogValue() slog.Value { return slog.StringValue(masked) }
