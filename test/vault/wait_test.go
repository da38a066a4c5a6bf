package vault

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"restencil/test/binary"
)

var soak = flag.Duration("soak", 0, "how long the tests that last do so; zero: some seconds")

// TestMain lets many tests wait at a time, which is what they mostly do.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == flag.Lookup("test.parallel").DefValue {
		_ = flag.Set("test.parallel", "6")
	}
	os.Exit(binary.Main(m))
}

// patience bounds every wait for a condition. It is long because machines are
// slow at times; no test waits that long when things are right.
const patience = 30 * time.Second

// lasting returns how long something lasts: that long, or as long as the soak.
func lasting(short time.Duration) time.Duration { return max(short, *soak) }

// eventually waits until check returns no error.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	within(t, patience, check)
}

func within(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatalf("after %v: %v", limit, err)
}

// holds returns a check that the file at path has just this content.
func holds(path, want string) func() error {
	return contains(path, func(got string) error {
		if got != want {
			return fmt.Errorf("%s holds «%s», want «%s»", path, clip(got), clip(want))
		}
		return nil
	})
}

// differs returns a check that the file at path has another content than this.
func differs(path, old string) func() error {
	return contains(path, func(got string) error {
		if got == old {
			return fmt.Errorf("%s still holds «%s»", path, clip(old))
		}
		return nil
	})
}

// exists returns a check that there is a file at path.
func exists(path string) func() error {
	return contains(path, func(string) error { return nil })
}

// contains returns a check of what the file at path holds.
func contains(path string, check func(content string) error) func() error {
	return func() error {
		got, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return check(string(got))
	}
}

// content returns what the file at path holds.
func content(t *testing.T, path string) string {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// absent fails the test where there is a file at path.
func absent(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is %s (%v)", path, err)
	}
}

// write makes the file at path hold text, all at once.
func write(t *testing.T, path, text string) {
	t.Helper()
	next := path + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

// clip returns s, or where it is long its beginning and end.
func clip(s string) string {
	const most = 400
	if len(s) > most {
		return strings.ToValidUTF8(s[:most/2], "") + " … " + strings.ToValidUTF8(s[len(s)-most/2:], "")
	}
	return s
}
