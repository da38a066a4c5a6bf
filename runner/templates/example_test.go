package templates_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"restencil/runner/event"
	"restencil/runner/templates"
	"restencil/template"
	"restencil/watch"
)

// A template is executed, says what it asks, and is executed again when that has
// an answer.
func ExampleSet() {
	set, err := templates.New(templates.Options{Templates: []templates.Template{{
		Options:     template.Options{Name: "motd.ctmpl", Text: `Welcome to {{ key "site" }}`},
		Destination: "/etc/motd",
	}}})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	set.Start(ctx, func(event.Event) {})
	defer set.Join()
	defer cancel()

	execute := func() templates.Batch {
		set.Execute(time.Now())
		<-set.Changed()
		done, err := set.Take(time.Now())
		if err != nil {
			log.Fatal(err)
		}
		return done
	}
	done := execute()
	fmt.Println("to be watched:", done.Added[0].Value())
	site := &watch.KeyPair{Key: "site", Value: "Lisbon"}
	set.Update([]watch.Update{{ID: done.Added[0], State: &watch.State{Answer: watch.Answer{Data: site, Last: site}, Known: true, Version: 1}}}, time.Now())
	done = execute()
	fmt.Printf("rendered: %s\n", done.Results[0].Output.Content)

	// Output:
	// to be watched: kv.get(site)
	// rendered: Welcome to Lisbon
}
