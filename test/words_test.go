package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"strings"
	"testing"
)

// retired are words that say something in the code's own language, each with the
// field's word for it (docs/architecture.md has the glossary).
var retired = map[string]string{
	"patience": "retry, timeout", "breath": "delay", "relief": "backoff", "rush": "backoff",
	"chime": "timer", "awhile": "delay", "agenda": "timer heap", "appointments": "timer heap",
	"rota": "poller", "bells": "poller", "rounds": "poller",
	"spread": "prefix watch", "keeper": "subscription", "gate": "circuit breaker",
	"tray": "response body", "aside": "decode cache", "lessons": "feedback", "heed": "feedback",
	"desk": "requester", "allowance": "rate limiter", "ledger": "lease table", "tenure": "token epoch",
	"pulse": "heartbeat", "upkeep": "drift", "veil": "mask", "stir": "wake",
	"wish": "pending", "doomed": "pending", "moving": "pending", "lane": "queue", "debt": "owed",
	"fallible": "output", "memorable": "needed", "awkward": "the rule itself",
	"sighting": "lookup", "shelve": "keep", "stumbles": "failures", "plant": "insert",
	"straddles": "spans", "unled": "no leader", "unhurried": "pause", "forgiven": "expired",
	"stem": "prefix", "behalf": "path of the error", "printing": "output",
}

var words = regexp.MustCompile(`[A-Z]+[a-z]*|[a-z]+`)

// TestRetiredWords makes sure that no identifier, no file and no message has one of the
// words that were given up.
func TestRetiredWords(t *testing.T) {
	check := func(where, name string) {
		for _, word := range words.FindAllString(name, -1) {
			if say, bad := retired[strings.ToLower(word)]; bad {
				t.Errorf("%s: %s: do not say %q here; say %s, or what it is", where, name, word, say)
			}
		}
	}
	for dir, files := range packages(t) {
		for file := range files {
			name := path.Join(dir, file)
			check(name, file)
			parsed, err := parser.ParseFile(token.NewFileSet(), path.Join("..", name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			seen := make(map[string]bool)
			ast.Inspect(parsed, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					if !seen[n.Name] {
						seen[n.Name] = true
						check(name, n.Name)
					}
				case *ast.BasicLit:
					if n.Kind == token.STRING && !strings.HasSuffix(file, "_test.go") && !strings.HasPrefix(dir, "test") {
						check(name, n.Value)
					}
				}
				return true
			})
		}
	}
}
