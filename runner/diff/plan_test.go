package diff

import "testing"

func TestText(t *testing.T) {
	plans := []Plan{
		{
			Bundle: "web",
			Files: []Planned{
				{Path: "/a", Change: "replaced", After: "mode 0644, owner root:root", Diff: "--- /dev/null\n+++ /a\n@@ -0,0 +1,1 @@\n+x\n"},
				{Path: "/b", Change: "unchanged", Before: "mode 0644, owner root:root", After: "mode 0644, owner root:root"},
			},
			Runs: []Run{{"check", "nginx -t", []string{"/a"}}, {"reload", "nginx -s reload", []string{"/a", "/b", "/c", "/d"}}},
		},
		{Files: []Planned{
			{Path: "/c", Change: "repaired", Before: "mode 0644, owner root:root", After: "mode 0600, owner root:root"},
			{Path: "/d", Change: "replaced", Before: "mode 0644", After: "mode 0644", Stopped: "the change would be held: /d would be empty (not_empty)", Diff: "--- /d\n+++ /d\n"},
		}},
	}
	const want = `/a: new file, mode 0644, owner root:root
--- /dev/null
+++ /a
@@ -0,0 +1,1 @@
+x
/c: mode 0644, owner root:root -> mode 0600, owner root:root
/d: the change would be held: /d would be empty (not_empty)
--- /d
+++ /d

would run, in this order:
  check of web: nginx -t (since /a changes)
  reload of web: nginx -s reload (since /a, /b, /c and 1 more change)

3 of 4 files would change; 2 commands would run
`
	if got := Text(plans); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if n, rejected := Changes(plans); n != 3 || rejected {
		t.Errorf("%d changes, rejected: %v", n, rejected)
	}
	if got := Text(nil); got != "0 of 0 files would change; 0 commands would run\n" {
		t.Error(got)
	}
}

func TestColored(t *testing.T) {
	got := Colored("--- a\n@@ -1 +1 @@\n-x\x1b[2J\n+y\tz\n w\n")
	want := "\x1b[1m--- a\x1b[m\n\x1b[36m@@ -1 +1 @@\x1b[m\n\x1b[31m-x\\x1b[2J\x1b[m\n\x1b[32m+y\tz\x1b[m\n w\n"
	if got != want {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}
