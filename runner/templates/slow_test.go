package templates

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"restencil/runner/event"
	"restencil/template"
	"restencil/watch"
)

// The output of one template is due when the grace of its pass is over, though another one
// has not ended; also if the loop was busy just then.
func TestTakeWhileOneHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		host := template.Host{LookupEnv: func(takes string) (string, bool) {
			d, _ := time.ParseDuration(takes)
			time.Sleep(d)
			return "", false
		}}
		set, err := New(Options{Host: host, Templates: []Template{
			{Options: template.Options{Name: "short", Text: `{{ env "50ms" }}`}, Destination: "/short"},
			{Options: template.Options{Name: "long", Text: `{{ env "1h" }}`}, Destination: "/long"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		set.Start(ctx, func(event.Event) {})
		defer set.Join()
		defer cancel()
		set.Execute(time.Now())
		time.Sleep(2 * grace)
		select {
		case <-set.Changed():
		default:
			if next := set.Next(); next.IsZero() || next.After(time.Now()) {
				t.Errorf("the next time is %v", next)
			}
		}
		batch, err := set.Take(time.Now())
		if err != nil || len(batch.Results) != 1 {
			t.Errorf("%d results, %v", len(batch.Results), err)
		}
	})
}

// A list that is first executed while the answer that it uses becomes complete is executed
// once more, though the data is the same.
func TestAnswerIsCompletedDuringFirstExecution(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		user := Template{Options: template.Options{Name: "user", Text: `{{ key "k" }}`}, Destination: "/user"}
		list := Template{Options: template.Options{Name: "list", Text: "/{{ . }}", ForEach: `print (key "k") (env "X") | split " "`}, Destination: "/{{ . }}"}
		host := template.Host{LookupEnv: func(string) (string, bool) {
			time.Sleep(time.Second)
			return "", false
		}}
		makeSet := func(templates ...Template) *Set {
			set, err := New(Options{Host: host, Templates: templates})
			if err != nil {
				t.Fatal(err)
			}
			return set
		}
		set := makeSet(user)
		set.Start(ctx, func(event.Event) {})
		defer set.Join()
		defer cancel()
		var last *template.Result // of the list
		finish := func() (added []watch.ID) {
			for set.Execute(time.Now()); !set.Idle(); set.Execute(time.Now()) {
				select {
				case <-set.Changed():
				case <-time.After(time.Until(set.Next())):
				}
				batch, err := set.Take(time.Now())
				if err != nil {
					t.Fatal(err)
				}
				added = append(added, batch.Added...)
				for _, r := range batch.Results {
					if r.Output != nil && r.Output.Elements != nil {
						last = r.Output
					}
				}
			}
			return added
		}
		pair := &watch.KeyPair{Path: "k", Key: "k", Value: "a"}
		state := watch.State{Answer: watch.Answer{Data: pair, Last: pair, Partial: "some is left out"}, Known: true, Version: 1}
		k := finish()[0]
		set.Update([]watch.Update{{ID: k, State: &state}}, time.Now())
		finish()
		set.Replace(makeSet(user, list), func(i, j int) bool { return i == j }, false, time.Now())
		time.Sleep(time.Second / 2)
		complete := state
		complete.Answer.Partial = ""
		set.Update([]watch.Update{{ID: k, State: &complete}}, time.Now())
		finish()
		if last == nil || last.Partial != "" {
			t.Errorf("the list is %+v", last)
		}
	})
}

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
