package diff

import (
	"strings"
	"testing"
)

func TestUnified(t *testing.T) {
	for _, tt := range []struct {
		name string
		file File
		want string
	}{
		{"the same", File{Path: "/a", Old: []byte("x\n"), New: []byte("x\n"), Exists: true}, ""},
		{"a line", File{Path: "/a", Old: []byte("a\nb\nc\n"), New: []byte("a\nB\nc\n"), Exists: true}, "--- /a\n+++ /a\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"},
		{"a new file", File{Path: "/a", New: []byte("a\n")}, "--- /dev/null\n+++ /a\n@@ -0,0 +1,1 @@\n+a\n"},
		{"an empty new file", File{Path: "/a"}, "--- /dev/null\n+++ /a\n"},
		{"no end of line", File{Path: "/a", Old: []byte("a"), New: []byte("b"), Exists: true, Secret: true, Text: "a b"}, "--- /a\n+++ /a\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"},
		{"a path of two lines", File{Path: "/a\n\x1b", Old: []byte("a\n"), New: []byte("b\n"), Exists: true}, "--- /a\\n\\x1b\n+++ /a\\n\\x1b\n@@ -1,1 +1,1 @@\n-a\n+b\n"},
		{"no text", File{Path: "/a", Old: []byte("a\x00"), New: []byte("b"), Exists: true}, "Binary files /a and /a differ\n"},
		{
			"a known secret",
			File{Path: "/a", Old: []byte("user root, hunter2\n"), New: []byte("user root, hunter3\n"), Exists: true, Mask: strings.NewReplacer("hunter2", "***", "hunter3", "***").Replace},
			"--- /a\n+++ /a\n@@ -1,1 +1,1 @@\n-user root, ***\n+user root, ***\n",
		},
		{
			"what was made of a secret",
			File{
				Path: "/a", Old: []byte("password = \"aHVudGVyMg==\"\nh\nu\n"), New: []byte("password = \"aHVudGVyMw==\"\nh\nu\n"), Exists: true,
				Secret: true, Text: `password = "{{ .Data.data.password | base64Encode }}"`,
			},
			"--- /a\n+++ /a\n@@ -1,3 +1,3 @@\n-password = \"***==\"\n+password = \"***==\"\n ***\n ***\n",
		},
		{
			"an old file that may hold a secret",
			File{Path: "/a", Old: []byte("user = root hunter2\n"), New: []byte("user = web\n"), Exists: true, OldSecret: true},
			"--- /a\n+++ /a\n@@ -1,1 +1,1 @@\n-user = *** ***\n+user = web\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.file.Unified(); got != tt.want {
				t.Errorf("%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
