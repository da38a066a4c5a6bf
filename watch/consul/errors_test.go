package consul

import (
	"math"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
)

func TestDelay(t *testing.T) {
	retry := DefaultOptions().Retry
	const jitter = 250 * time.Millisecond
	for _, test := range []struct {
		name        string
		retry       schedule.Backoff
		err         watch.Error
		row         int
		least, most time.Duration
	}{
		{"first", retry, watch.Error{}, 1, 1, 250 * time.Millisecond},
		{"fourth", retry, watch.Error{}, 4, 1, 2 * time.Second},
		{"late", retry, watch.Error{}, math.MaxInt, 1, time.Minute},
		{"denied", retry, watch.Error{Class: watch.Denied}, 2, 1, 500 * time.Millisecond},
		{"invalid", retry, watch.Error{Class: watch.Invalid}, 1, 30 * time.Second, time.Minute},
		{"invalid, no maximum", schedule.Backoff{Base: time.Second}, watch.Error{Class: watch.Invalid}, 1, 30 * time.Second, time.Minute},
		{"asked for", retry, watch.Error{RetryAfter: 7 * time.Second}, 9, 7 * time.Second, 7*time.Second + jitter},
		{"asked for too much", retry, watch.Error{RetryAfter: 24 * time.Hour}, 1, 10 * time.Minute, 10*time.Minute + jitter},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 100 {
				if d := delay(test.retry, &test.err, test.row); d < test.least || d > test.most {
					t.Fatalf("delay %v, want %v to %v", d, test.least, test.most)
				}
			}
		})
	}
}
