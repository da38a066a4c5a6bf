package setting

import "restencil/cmd/restencil/config/hcl1"

// An Origin is the place where a setting got its value. The zero Origin is the
// default. At most one field is set.
type Origin struct {
	hcl1.Position        // in a file
	Flag          string // the flag with its dash
	Env           string // the environment variable
}

// LocalConfig is the environment variable that holds configuration text (COMPAT 1.8),
// and the name of that text in messages.
const LocalConfig = "CT_LOCAL_CONFIG"

// FromCommandLine reports whether a value came from a flag, or from LocalConfig, which
// counts as one (COMPAT 2.3).
func (o Origin) FromCommandLine() bool { return o.Flag != "" || o.File == LocalConfig }

// String returns the flag, the variable or the position, or "default".
func (o Origin) String() string {
	switch {
	case o.Flag != "":
		return o.Flag
	case o.Env != "":
		return o.Env
	case o.Line > 0:
		return o.Position.String()
	}
	return "default"
}

// Wrong returns an error about the value that was set there.
func (o Origin) Wrong(message, hint string) error {
	if o.Flag != "" {
		message = "flag " + o.Flag + ": " + message
	}
	return hcl1.Diagnostic{Position: o.Position, Message: message, Hint: hint}
}

// Origins records where a block and the settings in it were set. It is embedded in
// the struct that holds their values.
type Origins struct {
	// At is the origin of the block.
	At Origin

	byKey map[string]Origin
}

// Origin returns the origin of a setting, by a key such as "exec.command".
func (o *Origins) Origin(key string) Origin { return o.byKey[key] }

// IsSet reports whether a setting or block was set, rather than left at its default.
func (o *Origins) IsSet(key string) bool {
	_, ok := o.byKey[key]
	return ok
}

// Set records the origin of settings.
func (o *Origins) Set(at Origin, keys ...string) {
	if o.byKey == nil {
		o.byKey = make(map[string]Origin)
	}
	for _, key := range keys {
		o.byKey[key] = at
	}
}

// Unset undoes Set.
func (o *Origins) Unset(key string) { delete(o.byKey, key) }

// Drop clears the value of a setting if it came from the environment.
func (o *Origins) Drop(key string, value *string) {
	if o.Origin(key).Env != "" {
		*value = ""
		o.Unset(key)
	}
}
