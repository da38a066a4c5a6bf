package logging

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// files returns the contents of the log files in a directory, oldest first.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var contents []string
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, string(text))
	}
	return contents
}

func TestFileNames(t *testing.T) {
	for path, want := range map[string]string{
		"app.log":     `^app-\d{19}\.log$`,
		"app":         `^app-\d{19}\.log$`,
		"app.1.txt":   `^app\.1-\d{19}\.txt$`,
		"":            `^consul-template-\d{19}\.log$`,
		"[a-z]*.json": `^\[a-z\]\*-\d{19}\.json$`,
	} {
		dir := t.TempDir()
		open(t, Options{File: File{Path: dir + "/" + path}}).Error("x")
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 || !regexp.MustCompile(want).MatchString(entries[0].Name()) {
			t.Errorf("%q makes %v (%v), want %s", path, entries, err, want)
		}
	}
}

func TestFileHasWhatStderrHas(t *testing.T) {
	var out strings.Builder
	dir := t.TempDir()
	l := open(t, Options{Level: "WARN", Stderr: &out, File: File{Path: dir + "/app.log"}})
	l.Info("hidden")
	l.Warn("shown")
	if got := files(t, dir); len(got) != 1 || got[0] != out.String() || !strings.HasSuffix(got[0], "[WARN] shown\n") {
		t.Errorf("files hold %q, standard error %q", got, out.String())
	}
}

func TestFileMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes")
	}
	dir := t.TempDir()
	open(t, Options{File: File{Path: dir + "/app.log"}})
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode()&^0o640 != 0 { // the umask may take some away
		t.Errorf("mode %v (%v), want at most 0640", info.Mode(), err)
	}
}

func TestFileNeedsItsDirectory(t *testing.T) {
	dir := t.TempDir() + "/nope"
	_, err := Open(Options{File: File{Path: dir + "/app.log"}})
	if err == nil || !strings.Contains(err.Error(), "no such file or directory") {
		t.Errorf("error %v", err)
	}
}

// Each test of rotation writes 5 lines, each of which fills a file.
func TestRotation(t *testing.T) {
	for keep, want := range map[int][]string{
		0:  {"0", "1", "2", "3", "4"},
		2:  {"2", "3", "4"},
		9:  {"0", "1", "2", "3", "4"},
		-1: {"4"},
	} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, Options{File: File{Path: dir + "/app.log", MaxBytes: 20, Keep: keep}})
			for i := range 5 {
				l.Error(fmt.Sprint(i))
			}
			got := files(t, dir)
			for i := range got {
				got[i] = got[i][strings.LastIndexByte(got[i], ' ')+1 : len(got[i])-1]
			}
			if !slices.Equal(got, want) {
				t.Errorf("keeping %d archives leaves %v, want %v", keep, got, want)
			}
		})
	}
}

func TestRotationByAge(t *testing.T) {
	for age, period := range map[time.Duration]time.Duration{0: 24 * time.Hour, time.Hour: time.Hour} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			l := open(t, Options{File: File{Path: dir + "/app.log", MaxAge: age}})
			l.Error("a")
			time.Sleep(period - 1)
			l.Error("b")
			time.Sleep(time.Nanosecond)
			l.Error("c")
			if got := files(t, dir); len(got) != 2 || !strings.HasSuffix(got[1], "c\n") {
				t.Errorf("with an age of %v there are %q", age, got)
			}
		})
	}
}

// At the start what is too much is removed, and nothing of anybody else's.
func TestPruneAtStart(t *testing.T) {
	dir := t.TempDir()
	keep := []string{"app-1.log.gz", "app-2", "app-012.log", "app-web-4.log", "app.log", "app-.log", "webapp-5.log", "app--6.log"}
	for _, name := range append(keep, "app-9.log", "app-10.log", "app-11.log") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, Options{File: File{Path: dir + "/app.log", Keep: 1}})
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		if !regexp.MustCompile(`^app-\d{19}\.log$`).MatchString(e.Name()) {
			left = append(left, e.Name())
		}
	}
	want := append(keep, "app-11.log")
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("there are %v, want %v", left, want)
	}
}

// A file that cannot be written to is worth one line on standard error, and
// another once it can.
func TestFileThatFails(t *testing.T) {
	var out logged
	base := open(t, Options{Level: "WARN", Stderr: &out, File: File{Path: t.TempDir() + "/app.log"}})
	l := base.With("k", "v")
	f := base.outputs.Load().list[1].closer.(*file)
	good, err := f.File, error(nil)
	if f.File, err = os.Open(os.DevNull); err != nil { // not for writing
		t.Fatal(err)
	}
	l.Warn("one")
	base.WithGroup("g").Warn("two")
	out.want(t, "[WARN] one\n[ERR] (logging) the log file may lack lines from now on: write "+os.DevNull+": bad file descriptor\n[WARN] two\n")
	if err := f.File.Close(); err != nil {
		t.Fatal(err)
	}
	f.File = good
	l.Warn("three")
	l.Warn("four")
	out.want(t, "[WARN] three\n[WARN] (logging) the log file gets all lines again\n[WARN] four\n")
}

// Where there can be no new file, the old one goes on.
func TestRotationThatFails(t *testing.T) {
	var out logged
	dir := t.TempDir() + "/logs"
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l := open(t, Options{Level: "ERR", Stderr: &out, File: File{Path: dir + "/app.log", MaxBytes: 1}})
	if err := os.Rename(dir, dir+"-moved"); err != nil {
		t.Skip(err)
	}
	l.Error("one")
	l.Error("two")
	if got := files(t, dir+"-moved"); len(got) != 1 || !strings.Contains(got[0], "two") {
		t.Errorf("files hold %q", got)
	}
	if n := strings.Count(out.String(), "may lack lines"); n != 1 {
		t.Errorf("%d complaints, want 1:\n%s", n, out.String())
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l.Error("three")
	if got := files(t, dir); len(got) != 1 || !strings.Contains(got[0], "three") {
		t.Errorf("files hold %q", got)
	}
}

// A line after one that was cut short begins a line.
func TestTornLine(t *testing.T) {
	dir := t.TempDir()
	f, err := openFile(File{Path: dir + "/app.log"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("cut sh")); err != nil {
		t.Fatal(err)
	}
	f.torn = true // as after a short write
	for _, line := range []string{"one\n", "two\n"} {
		if err := f.write(slog.LevelInfo, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if got := files(t, dir); len(got) != 1 || got[0] != "cut sh\none\ntwo\n" {
		t.Errorf("files hold %q", got)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestClosedLog(t *testing.T) {
	var out logged
	dir := t.TempDir()
	l := open(t, Options{Level: "WARN", Stderr: &out, File: File{Path: dir + "/app.log"}})
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	l.Warn("late")
	out.want(t, "[WARN] late\n")
	if got := files(t, dir); len(got) != 1 || got[0] != "" {
		t.Errorf("files hold %q, want one that is empty", got)
	}
}
