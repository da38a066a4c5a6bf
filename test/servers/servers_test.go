package servers_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"go.uber.org/goleak"

	"restencil/test/servers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConsulKeepsItsDataOverACrash(t *testing.T) {
	agent := servers.Consul(t, servers.Persistent())
	kv := agent.Client().KV()
	if _, err := kv.Put(&api.KVPair{Key: "a", Value: []byte("1")}, nil); err != nil {
		t.Fatal(err)
	}
	addr := agent.Addr()
	agent.Kill()
	if _, _, err := kv.Get("a", nil); err == nil {
		t.Fatal("a killed agent answers")
	}
	agent.Start()
	if agent.Addr() != addr {
		t.Errorf("the address changed from %s to %s", addr, agent.Addr())
	}
	pair, _, err := kv.Get("a", nil)
	if err != nil || pair == nil || string(pair.Value) != "1" {
		t.Errorf("after the restart: %+v, %v", pair, err)
	}
	agent.Stop()
}

func TestConsulAgentsAreApart(t *testing.T) {
	const token = "11111111-2222-3333-4444-555555555555"
	one, two := servers.Consul(t), servers.Consul(t, servers.ACL(token))
	if one.Addr() == two.Addr() {
		t.Fatal("two agents on one address")
	}
	if _, err := two.Client().KV().Put(&api.KVPair{Key: "a"}, nil); err != nil {
		t.Error("with the token:", err)
	}
	pair, _, err := one.Client().KV().Get("a", nil)
	if err != nil || pair != nil {
		t.Errorf("the other agent has %+v, %v", pair, err)
	}
	anonymous, err := api.NewClient(&api.Config{Address: two.Addr(), HttpClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := anonymous.KV().Put(&api.KVPair{Key: "a"}, nil); err == nil {
		t.Error("writing without a token was allowed")
	}
}

func TestConsulPauses(t *testing.T) {
	agent := servers.Consul(t)
	agent.Pause()
	client := &http.Client{Timeout: 200 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	if response, err := client.Get("http://" + agent.Addr() + "/v1/status/leader"); err == nil {
		response.Body.Close()
		t.Fatal("a paused agent answers")
	}
	agent.Resume()
	if _, err := agent.Client().Status().Leader(); err != nil {
		t.Fatal(err)
	}
}

func TestNginxReloads(t *testing.T) {
	web := servers.Nginx(t)
	conf := fmt.Sprintf("server { listen %s; return 200 hello; }\n", web.Addr())
	if err := os.WriteFile(filepath.Join(web.ConfDir(), "web.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{web.TestCommand(), web.ReloadCommand()} {
		if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	var body string
	for deadline := time.Now().Add(10 * time.Second); body != "hello" && time.Now().Before(deadline); {
		body = get("http://" + web.Addr())
	}
	if body != "hello" {
		t.Errorf("got %q after the reload", body)
	}
}

// get returns what a URL answers, or the empty string.
func get(url string) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return string(body)
}

func TestConsulTemplateIsTheOraclesVersion(t *testing.T) {
	out, err := exec.Command(servers.ConsulTemplate(t), "-v").CombinedOutput()
	if want := "consul-template v0.42.1 ()\n"; err != nil || string(out) != want {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
}

func TestClusterElectsAnotherLeader(t *testing.T) {
	q := servers.Cluster(t, 3)
	kv := q.Client().KV()
	if _, err := kv.Put(&api.KVPair{Key: "a", Value: []byte("1")}, nil); err != nil {
		t.Fatal(err)
	}
	first := q.Leader()
	q.Kill(first)
	second := q.Leader()
	if second == first {
		t.Fatal("a dead server leads")
	}
	q.Start(first)
	q.Kill(second)
	if third := q.Leader(); third == second {
		t.Fatal("a dead server leads")
	}
	// The client agent may try the dead one before the others.
	value := ""
	for deadline := time.Now().Add(30 * time.Second); value != "1" && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if pair, _, err := kv.Get("a", &api.QueryOptions{RequireConsistent: true}); err == nil && pair != nil {
			value = string(pair.Value)
		}
	}
	if value != "1" {
		t.Errorf("got %q after two elections", value)
	}
}
