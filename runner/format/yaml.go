package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v2"
)

// checkYAML wants every document to parse. Values are not decoded: an alias is
// looked up but not expanded, so that a few of them cannot fill the memory.
func checkYAML(content []byte) *problem {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		err := decoder.Decode(&ignored{})
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			p := &problem{what: "not valid YAML", says: strings.TrimPrefix(err.Error(), "yaml: ")}
			if start, rest, ok := strings.Cut(p.says, ": "); ok {
				if _, err := fmt.Sscanf(start, "line %d", &p.line); err == nil {
					p.says = rest
				}
			}
			return p
		}
	}
}

// ignored is a value of YAML or TOML that is not looked at.
type ignored struct{}

func (*ignored) UnmarshalYAML(func(any) error) error { return nil }

func (*ignored) UnmarshalTOML(any) error { return nil }
