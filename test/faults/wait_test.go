package faults

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"restencil/test/await"
)

var soak = flag.Duration("soak", 0, "how long each fault lasts; zero: some seconds")

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

// promptly waits until check returns no error, which must not take long.
func promptly(t *testing.T, check func() error) {
	t.Helper()
	began := time.Now()
	await.Within(t, prompt(), check)
	if took := time.Since(began); took > time.Second {
		t.Logf("caught up after %v", took.Round(time.Millisecond))
	}
}

// somewhere returns a duration between the two, at random.
func somewhere(least, most time.Duration) time.Duration { return least + rand.N(most-least) }
