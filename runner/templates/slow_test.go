package templates

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"restencil/runner/event"
	"restencil/template"
)

// An execution that does not end is reported while it goes on.
func TestSlowExecution(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		host := template.Host{LookupEnv: func(string) (string, bool) {
			time.Sleep(90 * time.Second)
			return "", false
		}}
		set, err := New(Options{Host: host, Templates: []Template{{
			Options: template.Options{Name: "slow", Text: `{{ env "A" }}`}, Destination: "/slow",
		}}})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var reported []time.Duration
		set.Start(ctx, func(e event.Event) {
			if e, ok := e.(event.Slow); ok {
				if !e.Since.Equal(start) {
					t.Errorf("it is said to have begun at %v, began at %v", e.Since, start)
				}
				reported = append(reported, time.Since(start))
			}
		})
		defer set.Join()
		defer cancel()
		set.Execute(time.Now())
		for !set.Idle() {
			select {
			case <-set.Changed():
				if _, err := set.Take(time.Now()); err != nil {
					t.Error(err)
				}
			case <-time.After(time.Until(set.Next())):
				set.Execute(time.Now())
			}
		}
		if want := []time.Duration{10 * time.Second, 70 * time.Second}; !slices.Equal(reported, want) {
			t.Errorf("reported after %v, want %v", reported, want)
		}
	})
}
