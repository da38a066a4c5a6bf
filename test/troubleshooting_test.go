package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// foreign are the messages of docs/troubleshooting.md that restencil passes on, with
// whose they are.
var foreign = map[string]string{
	`fork/exec …: permission denied`:                     "Go",
	`exit status 126`:                                    "Go",
	`exit status …`:                                      "Go",
	`no such host`:                                       "Go",
	`i/o timeout`:                                        "Go",
	`flag provided but not defined: …`:                   "Go",
	`function "…" not defined`:                           "Go",
	`certificate signed by unknown authority`:            "Go",
	`certificate is valid for …, not …`:                  "Go",
	`cannot validate certificate for …`:                  "Go",
	`certificate has expired or is not yet valid`:        "Go",
	`server gave HTTP response to HTTPS client`:          "Go",
	`certificate required`:                               "Go",
	`bad certificate`:                                    "Go",
	`open …: permission denied`:                          "the system",
	`operation not permitted`:                            "the system",
	`connection refused`:                                 "the system",
	`No cluster leader`:                                  "Consul",
	`No path to datacenter`:                              "Consul",
	`Unexpected response code: 403 (Permission denied`:   "Consul",
	`anonymous token lacks permission`:                   "Consul",
	`ACL not found`:                                      "Consul",
	`Your IP is issuing too many concurrent connections`: "Consul",
	`Client sent an HTTP request to an HTTPS server`:     "the server",
}

// TestTroubleshooting makes sure that the messages in the tables of
// docs/troubleshooting.md are what the program says.
func TestTroubleshooting(t *testing.T) {
	page, err := os.ReadFile("../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	said, tables := programTexts(t), false
	used := make(map[string]bool)
	for _, b := range blocks(string(page)) {
		if b.kind != row {
			continue
		}
		if b.row[0] == "message" || b.row[0] == "symptom" {
			tables = b.row[0] == "message"
			continue
		}
		for _, m := range backquoted.FindAllStringSubmatch(b.row[0], -1) {
			message := m[1]
			if foreign[message] != "" {
				used[message] = true
				continue
			}
			for _, part := range parts(message) {
				if tables && !strings.Contains(said, part) {
					t.Errorf("docs/troubleshooting.md:%d: %s: no message of the program says %q", b.line, message, part)
				}
			}
		}
	}
	for message, of := range foreign {
		if !used[message] {
			t.Errorf("%q of %s is not in docs/troubleshooting.md any more", message, of)
		}
	}
}

// parts returns the words of a message between its names and values.
func parts(message string) []string {
	var all []string
	for _, part := range strings.FieldsFunc(message, func(r rune) bool { return r == '…' || r == ':' || r == '"' || r == '(' || r == ')' }) {
		if part = strings.Trim(part, " ,"); len(part) > 2 {
			all = append(all, part)
		}
	}
	return all
}

// programTexts returns the string constants of the program, and the scripts that
// look at what it prints.
func programTexts(t *testing.T) string {
	t.Helper()
	var texts strings.Builder
	scripts, err := filepath.Glob("scripts/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		texts.Write(text)
	}
	for _, dir := range []string{"cmd", "funcs", "renderer", "runner", "template", "watch"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					texts.WriteString(text + "\n")
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts.String()
}
