package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

var soak = flag.Duration("soak", 0, "how long each fault lasts; zero: some seconds")

// patience bounds every wait for a condition. It is long because machines are
// slow at times; no test waits that long when things are right.
const patience = 30 * time.Second

// prompt is how soon a file must have caught up once a fault is over. Where the
// tests run all at once, on a machine that may be busy, it is three times as
// long as in a soak.
func prompt() time.Duration {
	const promised = 5 * time.Second
	if *soak > 0 {
		return promised
	}
	return 3 * promised
}

// lasting returns how long a fault lasts: that long, or as long as the soak.
func lasting(short time.Duration) time.Duration {
	return max(short, *soak)
}

// eventually waits until check returns no error.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	within(t, patience, check)
}

// promptly waits until check returns no error, which must not take long.
func promptly(t *testing.T, check func() error) {
	t.Helper()
	began := time.Now()
	within(t, prompt(), check)
	if took := time.Since(began); took > time.Second {
		t.Logf("caught up after %v", took.Round(time.Millisecond))
	}
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

// somewhere returns a duration between the two, at random.
func somewhere(least, most time.Duration) time.Duration { return least + rand.N(most-least) }

// holds returns a check that the file at path has just this content.
func holds(path, want string) func() error {
	return func() error {
		got, err := os.ReadFile(path)
		if err == nil && string(got) != want {
			err = fmt.Errorf("%s holds «%s», want «%s»", path, clip(string(got)), clip(want))
		}
		return err
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
