package local_test

import (
	"errors"
	"strings"
	"testing"

	"restencil/watch"
	"restencil/watch/local"
	"restencil/watch/local/yamldoc"
)

func TestParseErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"data.toml", "x = 1", "data.toml: a data file's name ends in .yaml, .yml or .json"},
		{"data", "{}", "data: a data file's name ends in .yaml, .yml or .json"},

		// What is not in the format.
		{"d.yaml", "", "d.yaml: the file holds no data (if that is meant, write an empty section of keys)"},
		{"d.yaml", "# nothing\n", "d.yaml: the file holds no data (if that is meant, write an empty section of keys)"},
		{"d.yaml", "keys:\n  a: 1\n\tb: 2\n", "d.yaml:3: found a tab character that violates indentation"},
		{"d.yaml", "keys:\n  a: 1\n  c: 3\n b: 2\n", "d.yaml:4: did not find expected key"},
		{"d.yaml", "keys:\n  a: b: c\n", "d.yaml:2: mapping values are not allowed in this context"},
		{"d.yaml", "keys:\n  a: 1\n  b: 'x\n  c: 1\n", "d.yaml:3: found unexpected end of stream"},
		{"d.yaml", "keys:\n  a: *x\n", "d.yaml:2: unknown anchor 'x' referenced"},
		{"d.yaml", "keys:\n  a: &a [*a]\n", "d.yaml:2:10: *a stands within what it refers to"},
		{"d.yaml", "keys:\n  a: 1\n  <<: 3\n", "d.yaml:3:7: << takes a map, not a text"},
		{"d.yaml", "keys:\n  a: 1\n  a: 2\n", `d.yaml:3:3: "a" is given twice, first on line 2`},
		{"d.yaml", "keys:\n  a: {{ x }}\n", "d.yaml:2:7: a name must be plain text"},
		{"d.yaml", "keys: {a: 1}\n---\nkeys: {}\n", "d.yaml:3:1: a second document begins here; the file must be a single one"},
		{"d.json", " \n", "d.json: the file holds no data (if that is meant, write an empty section of keys)"},
		{"d.json", "null", "d.json: the file holds no data (if that is meant, write an empty section of keys)"},
		{"d.json", "{\n \"keys\": {\"a\": 1}", "d.json:2: did not find expected ',' or '}'"},
		{"d.json", "{\n \"keys\": {\"a\": 1}}\n}", "d.json:3: did not find expected <document start>"},
		{"d.json", "{\n \"keys\": {\"a\": 1,\n \"a\": 2}}", `d.json:3:2: "a" is given twice, first on line 2`},

		// What is in none of the sections.
		{"d.yaml", "[a]", "d.yaml:1:1: a data file is a map, not a list"},
		{"d.yaml", "keyz: {}", `d.yaml:1:1: a data file has no "keyz" (did you mean "keys"?)`},
		{"d.yaml", "kv: {}", `d.yaml:1:1: a data file has no "kv" (known: clusters, datacenter, datacenters, keys, node, nodes, nomad, secrets, services)`},
		{"d.json", "{\n  \"Service\": {}}", `d.json:2:3: a data file has no "Service" (did you mean "services"?)`},

		// keys
		{"d.yaml", "keys: [a]", "d.yaml:1:7: keys is a map, not a list"},
		{"d.yaml", "keys:\n  a/b: 1\n  a:\n    b: 2", `d.yaml:4:5: key "a/b" is given twice, first on line 2`},
		{"d.yaml", "keys:\n  hosts: [a, b]", `d.yaml:2:10: the value of key "hosts" is a list; a key holds one text, so write it in quotes`},
		{"d.yaml", "keys:\n  '': 1", "d.yaml:2:3: a key has no name"},

		// services
		{"d.yaml", "services: [web]", "d.yaml:1:11: services is a map, not a list"},
		{"d.yaml", "services:\n  web:\n    - adress: 10.0.0.1", `d.yaml:3:7: an instance has no "adress" (did you mean "address"?)`},
		{"d.yaml", "services:\n  web:\n    instance: []", `d.yaml:3:5: a service has no "instance" (did you mean "instances"?)`},
		{"d.yaml", "services:\n  web:\n    -\n", "d.yaml:3:6: an instance of web is missing after the dash"},
		{"d.yaml", "services:\n  web: [[10.0.0.1]]", "d.yaml:2:9: a text stands here, not a list"},
		{"d.yaml", "services:\n  web: 8080", `d.yaml:2:8: "8080" is not an address; for a port on the node's own address write ":8080"`},
		{"d.yaml", "services:\n  web: 10.0.0.1:http", `d.yaml:2:8: "10.0.0.1:http" is not an address (write 10.0.0.1:8080, name:8080, [::1]:8080 or :8080)`},
		{"d.yaml", "services:\n  web: 10.0.0.1:65536", `d.yaml:2:8: "10.0.0.1:65536" is not an address (write 10.0.0.1:8080, name:8080, [::1]:8080 or :8080)`},
		{"d.yaml", "services:\n  web: http://x/", `d.yaml:2:8: "http://x/" is not an address (write 10.0.0.1:8080, name:8080, [::1]:8080 or :8080)`},
		{"d.yaml", "services:\n  web: '[x]:80'", `d.yaml:2:8: "[x]:80" is not an address (write 10.0.0.1:8080, name:8080, [::1]:8080 or :8080)`},
		{"d.yaml", "services:\n  web: {address: 'x:80'}", `d.yaml:2:18: "x:80" holds a port, which does not belong into an address`},
		{"d.yaml", "services:\n  web: {port: http}", "d.yaml:2:15: a port is a number from 0 to 65535"},
		{"d.yaml", "services:\n  web: {port: 65536}", "d.yaml:2:15: a port is a number from 0 to 65535"},
		{"d.yaml", "services:\n  web: {weights: {passing: -1}}", "d.yaml:2:28: a weight is a number from 0 to 65535"},
		{"d.yaml", "services:\n  web: {connect: maybe}", "d.yaml:2:18: connect is true or false"},
		{"d.yaml", "services:\n  web: {status: pasing}", `d.yaml:2:17: "pasing" is not a status (did you mean "passing"?)`},
		{"d.yaml", "services:\n  web: {checks: {x: maintenance}}", `d.yaml:2:21: "maintenance" is not the status of a check (known: passing, warning, critical)`},
		{"d.yaml", "services:\n  web: {checks: [x]}", "d.yaml:2:17: checks is a map from name to status, not a list"},
		{"d.yaml", "services:\n  web: {meta: [x]}", "d.yaml:2:15: meta is a map, not a list"},
		{"d.yaml", "services:\n  web: {meta: {a: {b: c}}}", "d.yaml:2:19: a text stands here, not a map"},
		{"d.yaml", "services:\n  web:\n  - {id: a, address: 10.0.0.1}\n  - {id: a, address: 10.0.0.1}",
			`d.yaml:4:5: node "10.0.0.1" has two instances with id "a", the first on line 3`},
		{"d.yaml", "services:\n  web:\n  - {node: a, port: 80}", `d.yaml:3:5: node "a" has no address: give the instance one, or list the node in nodes`},

		// nodes and datacenters
		{"d.yaml", "nodes:\n  a:\n", `d.yaml:2:3: node "a" needs a name and an address`},
		{"d.yaml", "nodes: [10.0.0.1]", "d.yaml:1:8: nodes is a map from name to address, not a list"},
		{"d.yaml", "nodes: {web-1: 10.0.0.1}\nservices: {web: {node: web1}}", `d.yaml:2:12: nodes has no "web1" (did you mean "web-1"?)`},
		{"d.yaml", "nodes: {a: 10.0.0.1}\nnode: b", `d.yaml:2:7: nodes has no "b" (known: a)`},
		{"d.yaml", "nodes: {10.0.0.2: 10.0.0.1}\nservices: {web: 10.0.0.2}",
			`d.yaml:2:17: a node is named "10.0.0.2" and has another address, so the instance must say its node`},
		{"d.yaml", "datacenters: {dc1: {keys: {a: 1}}}", "d.yaml:1:15: dc1 is the agent's own datacenter; its data stands at the top of the file"},
		{"d.yaml", "datacenters: {dc2: {key: {a: 1}}}", `d.yaml:1:21: a datacenter has no "key" (did you mean "keys"?)`},
		{"d.yaml", "datacenters: {dc2: {keys: {a: [1]}}}", `d.yaml:1:31: the value of key "a" is a list; a key holds one text, so write it in quotes`},
	}
	for _, tt := range tests {
		m, err := local.Parse(tt.name, []byte(tt.text))
		var wrong *yamldoc.Error
		if !errors.As(err, &wrong) || err.Error() != tt.want || m != nil {
			t.Errorf("%s\nerror %v\nwant  %s", tt.text, err, tt.want)
		}
	}
}

// What is small on disk must not be huge in memory, or deep on the stack.
func TestParseBounds(t *testing.T) {
	bomb := "keys:\n  a0: &a0 {x: 1, y: 2}\n"
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		before := string(n[0] - 1)
		bomb += "  a" + n + ": &a" + n + " {" + strings.Repeat("k*: *a"+before+", ", 10) + "}\n"
		for _, k := range "abcdefghij" {
			bomb = strings.Replace(bomb, "k*:", string(k)+":", 1)
		}
	}
	deep := strings.Repeat("[", 200_000)
	tests := []struct{ name, text, want string }{
		{"d.yaml", bomb, "aliases multiply this"},
		{"d.yaml", "keys: " + strings.Repeat("{a: ", 200) + strings.Repeat("}", 200), "nested deeper than 100 levels"},
		{"d.json", `{"keys": ` + deep, "exceeded max depth"},
	}
	for _, tt := range tests {
		_, err := local.Parse(tt.name, []byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %.200v, want one with %q", tt.name, err, tt.want)
		}
	}
}

// FuzzParse: whatever the text, there is a model or a *yamldoc.Error in one line,
// and a model answers.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		fleet, "", "{}", "keys: {a: &a {b: 1.10}, c: {<<: *a}}", "services: {web: [10.0.0.1:80, ':1', '[::1]:2']}",
		`{"keys": {"a/b": [1, {"c": null}]}}`, `{"keys":	{"a\/b": "\ud83d\ude00\u2028\\"}}`,
		"datacenters: [a, b]", "nodes: {a: 10.0.0.1}\nnode: a",
	} {
		f.Add(seed)
	}
	queries := []watch.Query{
		{Kind: watch.KVList}, {Kind: watch.ServiceHealth, Name: "web", Filter: "any"}, {Kind: watch.ServiceList},
		{Kind: watch.NodeList}, {Kind: watch.NodeServices}, {Kind: watch.DatacenterList}, {Kind: watch.ConnectHealth, Name: "web"},
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"d.yaml", "d.json"} {
			m, err := local.Parse(name, []byte(text))
			var wrong *yamldoc.Error
			if err != nil && (!errors.As(err, &wrong) || wrong.File != name || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s: error %q of type %T", name, err, err)
			}
			for _, q := range queries {
				if m == nil {
					break
				}
				if _, err := m.Answer(q); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}
