package format

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"

	"gopkg.in/yaml.v2"
)

// checkYAML wants every document to parse. Values are not decoded: an alias is
// looked up but not expanded, so that a few of them cannot fill the memory.
func checkYAML(content []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		err := decoder.Decode(&ignored{})
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return yamlError(err)
		}
	}
}

// ignored is a value of YAML or TOML that is not looked at.
type ignored struct{}

func (*ignored) UnmarshalYAML(func(any) error) error { return nil }

func (*ignored) UnmarshalTOML(any) error { return nil }

// yamlSays takes yaml.v2's errors apart.
var yamlSays = regexp.MustCompile(`^yaml: (?:line (\d+): )?([a-z ,':\[\]{}<>\-"?0-9]+)$`)

// yamlPhrases are for the only error of the parser that quotes the content, and
// for those that can be said better.
var yamlPhrases = []phrase{
	{"unknown anchor", "an alias to an anchor that is not there"},
	{"exceeded max depth", "nested too deep"},
	{"UTF-8", "not UTF-8"},
	{"UTF-16", "not UTF-16"},
}

func yamlError(err error) error {
	const otherwise = "not YAML"
	if words := inWords(err.Error(), yamlPhrases, ""); words != "" {
		return wrongAt(0, 0, words)
	}
	parts := yamlSays.FindStringSubmatch(err.Error())
	if parts == nil {
		return wrongAt(0, 0, otherwise)
	}
	line, _ := strconv.Atoi(parts[1])
	return wrongAt(line, 0, parts[2])
}
