// Package await has tests wait for what comes about by itself, in another
// process or in a file: it looks again and again until it is so, or until that
// has taken too long.
//
// A check returns nil when it is so, and otherwise an error that says how it is
// instead. Checks run in the goroutine that waits.
package await

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// Timeout bounds every wait for what must come some time. It is long because
// machines are slow at times; no test waits that long when things are right.
const Timeout = 30 * time.Second

// pause is how long it is between two checks.
const pause = 5 * time.Millisecond

// Eventually waits until check returns no error, and ends the test where it
// still does after Timeout.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	Within(t, Timeout, check)
}

// Within is Eventually with another limit.
func Within(t testing.TB, limit time.Duration, check func() error) {
	t.Helper()
	if err := Poll(limit, check); err != nil {
		t.Fatal(err)
	}
}

// Poll waits until check returns no error, and returns the last one, and the
// limit, where it still does after that. It is for what has no testing.TB.
func Poll(limit time.Duration, check func() error) error {
	var err error
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(pause) {
		if err = check(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("after %v: %w", limit, err)
}

// Holds returns a check that the file at path has just this content.
func Holds(path, want string) func() error {
	return func() error {
		got, err := os.ReadFile(path)
		if err == nil && string(got) != want {
			err = fmt.Errorf("%s holds «%s», want «%s»", path, Clip(string(got)), Clip(want))
		}
		return err
	}
}

// Exists returns a check that there is something at path.
func Exists(path string) func() error {
	return func() error {
		_, err := os.Stat(path)
		return err
	}
}

// Clip returns s, or where it is long its beginning and end, for messages.
func Clip(s string) string {
	const most = 400
	if len(s) > most {
		return strings.ToValidUTF8(s[:most/2], "") + " … " + strings.ToValidUTF8(s[len(s)-most/2:], "")
	}
	return s
}
