package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"restencil/runner"
	"restencil/runner/format"
	"restencil/runner/guard"
	"restencil/runner/probe"
	"restencil/template"
	"restencil/watch"
	"restencil/watch/schedule"
)

func TestRunnerBundles(t *testing.T) {
	c := parseIn(t, map[string]string{"c": `
		wait = "1s:2s"
		reconcile = "1m"
		secret_perms = 0640
		on_store_down = "exit after 10m"
		exit_on_failure = true
		bundle "nginx" {
			check = "nginx -t" check_timeout = "3s"
			reload = ["nginx", "-s", "reload"] command_timeout = "4s"
			verify = "curl -f localhost"
			guard { not_empty = true min_bytes = 5 max_shrink = "50%" min_instances = { web = 2 } }
			retry { backoff = "6s" max_backoff = "7s" }
			min_interval = "8s"
			splay = "12s"
			exit_on_failure = false
			exec { env { pristine = true custom = ["A=b"] } }
		}
		bundle "plain" { command = "reload" wait = "9s" rollback = true }
		template {
			contents = "x" destination = "main" bundle = "nginx" format = "json" check = "check it" dir_perms = 0700
			command = ["nginx", "-s", "reload"]
			guard { min_bytes = 1 }
			verify { tcp = "localhost:80" for = "10s" }
			verify { http = "https://localhost/" host = "h" status = 200 skip_verify = true for = "0s" }
			exec { env { pristine = true } }
		}
		template { contents = "x" destination = "vhost" bundle = "plain" }
		template { contents = "x" destination = "own" format = "yaml" command = "own it" wait = "11s" exec { env { pristine = true } } }
		template { contents = "x" destination = "guarded" guard { not_empty = true } }
		template { contents = "x" destination = "alone" command = "alone" exec { env { pristine = true } } }`,
	}, "-config", "c")
	got, err := c.Runner()
	if err != nil {
		t.Fatal(err)
	}
	pristine := []string{"CONSUL_HTTP_SSL=false", "CONSUL_HTTP_SSL_VERIFY=true"}
	custom, all := append(pristine, "A=b"), append([]string{"PATH=/bin"}, pristine...)
	text := func(destination string) template.Options {
		return template.Options{Name: "contents for " + destination, Text: "x"}
	}
	wait := runner.Wait{Min: time.Second, Max: 2 * time.Second}
	standard := probe.Probe{For: time.Second, Within: 10 * time.Second, Interval: 250 * time.Millisecond, Timeout: 5 * time.Second}
	curl, tcp := standard, standard
	http := standard
	http.HTTP, http.Host, http.Status, http.SkipVerify, http.For = "https://localhost/", "h", 200, true, 0
	curl.Args = []string{"curl -f localhost"}
	tcp.TCP, tcp.For = "localhost:80", 10*time.Second
	want := runner.Options{
		State:         runner.State{Reconcile: time.Minute},
		Limits:        runner.Limits{Attempts: map[watch.Store]int{watch.Consul: 0, watch.Vault: 0, watch.Nomad: 0}, StoreDown: 10 * time.Minute},
		ExitOnFailure: true,
		Bundles: []runner.Bundle{{
			Name:     "nginx",
			Check:    runner.Command{Args: []string{"nginx -t"}, Timeout: 3 * time.Second, Env: custom},
			Reload:   runner.Command{Args: []string{"nginx", "-s", "reload"}, Timeout: 4 * time.Second, Env: custom},
			Verify:   []probe.Probe{curl, tcp, http},
			Rollback: true,
			Wait:     wait,
			Guard: guard.Rules{
				NotEmpty: true, MinBytes: 5, MaxShrink: 0.5, MinInstances: map[string]int{"web": 2},
			},
			MinInterval: 8 * time.Second,
			Splay:       12 * time.Second,
			Retry:       schedule.Backoff{Base: 6 * time.Second, Max: 7 * time.Second},
		}, {
			Name:          "plain",
			Reload:        runner.Command{Args: []string{"reload"}, Timeout: 30 * time.Second, Env: all},
			Rollback:      true,
			Wait:          runner.Wait{Min: 9 * time.Second, Max: 36 * time.Second},
			ExitOnFailure: true,
		}, {
			Name:          "own",
			Reload:        runner.Command{Args: []string{"own it"}, Timeout: 30 * time.Second, Env: pristine},
			Wait:          runner.Wait{Min: 11 * time.Second, Max: 44 * time.Second},
			ExitOnFailure: true,
		}, {
			Name:          "guarded",
			Wait:          wait,
			Guard:         guard.Rules{NotEmpty: true},
			ExitOnFailure: true,
		}},
		Templates: []runner.Template{{
			Options: text("main"), Bundle: "nginx",
			Member: runner.Member{
				Destination: "main", DirPerm: 0o700, SecretPerm: 0o640, Format: format.JSON, Guard: guard.Rules{MinBytes: 1},
				Check: runner.Command{Args: []string{"check it"}, Timeout: 30 * time.Second, Env: pristine},
			},
		}, {
			Options: text("vhost"), Bundle: "plain", Member: runner.Member{Destination: "vhost", SecretPerm: 0o640},
		}, {
			Options: text("own"), Bundle: "own", Member: runner.Member{Destination: "own", SecretPerm: 0o640, Format: format.YAML},
		}, {
			Options: text("guarded"), Bundle: "guarded", Member: runner.Member{Destination: "guarded", SecretPerm: 0o640},
		}, {
			Options: text("alone"), Member: runner.Member{Destination: "alone", SecretPerm: 0o640, Wait: wait},
			Command: runner.Command{Args: []string{"alone"}, Timeout: 30 * time.Second, Env: pristine},
		}},
	}
	ignore := cmpopts.IgnoreFields(runner.Options{}, "LookupEnv", "Events")
	if diff := cmp.Diff(want, got, ignore, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(runner.Options{}, template.Secrets{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
