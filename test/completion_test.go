package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"restencil/test/binary"
	"restencil/test/servers"
)

// TestBashCompletion: what a real bash offers at a Tab, by the function that it calls.
func TestBashCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		servers.Missing(t, err.Error())
	}
	const script = `source <("$1" completion bash) && shift
		COMP_WORDS=(restencil "$@"); COMP_CWORD=$#
		_restencil && printf '%s\n' "${COMPREPLY[@]}"`
	for _, c := range []struct {
		words string // with a space at the end, another word begins
		want  []string
	}{
		{"st", []string{"status", "state"}},
		{"-log-l", []string{"-log-level"}},
		{"--log-l", []string{"--log-level"}},
		{"-once -log-level ", []string{"trace", "debug", "info", "warn", "err"}},
		{"-log-level = w", []string{"warn"}},
		{"-log-level =", []string{"trace", "debug", "info", "warn", "err"}},
		{"status -c", []string{"-check", "-config"}},
		{"diff -temp", []string{"-template", "-template-error-fatal"}},
		{"lint -format s", []string{"sarif"}},
		{"help rec", []string{"record"}},
		{"completion ", []string{"bash", "fish", "zsh"}},
		{"-config ", nil}, // a file
		{"nosuch ", nil},
	} {
		program := binary.Path(t)
		cmd := exec.Command(bash, append([]string{"--norc", "-c", script, "bash", program}, strings.Split(c.words, " ")...)...)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
		out, err := cmd.Output()
		if got := strings.Fields(string(out)); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, %v, want %q", c.words, got, err, c.want)
		}
	}
}

// TestCompletionSyntax: the other shells can read their scripts.
func TestCompletionSyntax(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := exec.Command(binary.Path(t), "completion", shell).Output()
		if err != nil {
			t.Fatal(shell, err)
		}
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("%s is not there", shell)
			continue
		}
		cmd := exec.Command(shell, "-n")
		cmd.Stdin = strings.NewReader(string(script))
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
	}
}

// TestManualPages: mandoc, where it is there, has nothing against the pages, and they
// have every flag that -help has.
func TestManualPages(t *testing.T) {
	help, err := exec.Command(binary.Path(t), "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range []string{"1", "5"} {
		page, err := exec.Command(binary.Path(t), "man", section).Output()
		if err != nil {
			t.Fatal(err)
		}
		text := string(page)
		if !strings.HasPrefix(text, ".TH RESTENCIL "+section+" 2026-11-30\n.SH NAME\nrestencil \\- ") || strings.Count(text, "\n.TP\n") < 50 {
			t.Errorf("restencil(%s) begins with %.100q and has %d entries", section, text, strings.Count(text, "\n.TP\n"))
		}
		for line := range strings.Lines(string(help)) {
			name, isFlag := strings.CutPrefix(line, "  -")
			name, _, _ = strings.Cut(strings.NewReplacer(",", " ", "\n", " ").Replace(name), " ")
			if isFlag && section == "1" && !strings.Contains(text, `\-`+strings.ReplaceAll(name, "-", `\-`)) {
				t.Errorf("restencil(1) has no -%s", name)
			}
		}
		if _, err := exec.LookPath("mandoc"); err != nil {
			continue
		}
		cmd := exec.Command("mandoc", "-Tlint", "-Wwarning")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("restencil(%s): %v: %s", section, err, out)
		}
	}
}
