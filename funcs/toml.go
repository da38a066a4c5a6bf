package funcs

import (
	"bytes"
	"fmt"
	"text/template"

	"github.com/BurntSushi/toml"
)

// tomlFuncs returns the function that writes TOML (COMPAT 3.9). The library
// must stay at v1.5: from v1.6 on it writes large floats with an exponent.
func tomlFuncs() template.FuncMap {
	return template.FuncMap{"toTOML": toTOML}
}

// toTOML writes a map or struct, without a newline at the end.
func toTOML(v any) (string, error) {
	if err := writable("toTOML", v); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(v); err != nil {
		return "", fmt.Errorf("toTOML: %w", err)
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}
