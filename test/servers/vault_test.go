package servers_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"restencil/test/servers"
)

func TestVaultHasKVAtItsStart(t *testing.T) {
	for _, name := range []string{"VAULT_TOKEN", "VAULT_NAMESPACE"} {
		t.Setenv(name, "not-for-tests")
	}
	one, two := servers.Vault(t), servers.Vault(t, servers.VaultHCL("default_lease_ttl = \"10m\"\nmax_lease_ttl = \"20m\""))
	if one.Addr() == two.Addr() {
		t.Fatal("two servers on one address")
	}
	one.Write("secret/data/a", map[string]any{"data": map[string]any{"b": "1"}})
	read, err := one.Client().Logical().Read("secret/data/a")
	if err != nil || read.Data["data"].(map[string]any)["b"] != "1" {
		t.Errorf("got %+v, %v", read, err)
	}
	if read, err := two.Client().Logical().Read("secret/data/a"); read != nil || err != nil {
		t.Errorf("the other server has %+v, %v", read, err)
	}
	tune, err := two.Client().Sys().MountConfig("secret")
	if err != nil || tune.MaxLeaseTTL != 1200 {
		t.Errorf("with a maximum of 20 minutes: %+v, %v", tune, err)
	}
}

func TestVaultKeepsItsDataOverACrash(t *testing.T) {
	v := servers.Vault(t, servers.VaultPersistent())
	v.Write("sys/mounts/kv", map[string]any{"type": "kv"})
	v.Write("kv/a", map[string]any{"b": "1"})
	token, url := v.Token(), v.URL()
	v.Kill()
	if _, err := v.Client().Logical().Read("kv/a"); err == nil {
		t.Fatal("a killed server answers")
	}
	v.StartSealed()
	if code := statusOf(v, "kv/a"); code != http.StatusServiceUnavailable {
		t.Errorf("a server that came back sealed answers %d", code)
	}
	v.Unseal()
	wantB := func(when string) {
		t.Helper()
		read, err := v.Client().Logical().Read("kv/a")
		if err != nil || read == nil || read.Data["b"] != "1" {
			t.Errorf("%s: %+v, %v", when, read, err)
		}
	}
	wantB("after a crash")
	v.Seal()
	if code := statusOf(v, "kv/a"); code != http.StatusServiceUnavailable {
		t.Errorf("a sealed server answers %d", code)
	}
	v.Unseal()
	v.Stop()
	v.Start()
	wantB("after a restart")
	if v.Token() != token || v.URL() != url {
		t.Error("the restart changed the token or the address")
	}
}

// statusOf returns the status that reading a path is answered with, 0 for none.
func statusOf(v *servers.VaultServer, path string) int {
	_, err := v.Client().Logical().Read(path)
	var response *api.ResponseError
	if errors.As(err, &response) {
		return response.StatusCode
	}
	return 0
}

func TestVaultPauses(t *testing.T) {
	v := servers.Vault(t)
	v.Pause()
	client := v.Client()
	client.SetClientTimeout(200 * time.Millisecond)
	if _, err := client.Sys().SealStatus(); err == nil {
		t.Fatal("a paused server answers")
	}
	v.Resume()
	if _, err := v.Client().Sys().SealStatus(); err != nil {
		t.Fatal(err)
	}
}

func TestVaultKnowsItsClientsByCertificate(t *testing.T) {
	for name, options := range map[string][]servers.VaultOption{
		"dev":        {servers.VaultTLS()},
		"persistent": {servers.VaultTLS(), servers.VaultPersistent()},
	} {
		t.Run(name, func(t *testing.T) {
			v := servers.Vault(t, options...)
			if !strings.HasPrefix(v.URL(), "https://") {
				t.Fatal("the address is", v.URL())
			}
			v.Write("sys/auth/cert", map[string]any{"type": "cert"})
			v.Write("auth/cert/certs/app", map[string]any{"certificate": readFile(t, v.CAFile()), "allowed_common_names": "app"})
			if policies := certLogin(t, v, "app"); len(policies) != 1 || policies[0] != "default" {
				t.Errorf("app logs in with %v", policies)
			}
			if policies := certLogin(t, v, "stranger"); policies != nil {
				t.Errorf("a stranger logs in with %v", policies)
			}
		})
	}
}

// certLogin logs in with a certificate of that name, and returns the policies
// of the token, nil without one.
func certLogin(t *testing.T, v *servers.VaultServer, name string) []string {
	t.Helper()
	cert, key := v.ClientCert(name)
	config := api.DefaultConfig()
	config.Address, config.MaxRetries = v.URL(), 0
	if err := config.ConfigureTLS(&api.TLSConfig{CACert: v.CAFile(), ClientCert: cert, ClientKey: key}); err != nil {
		t.Fatal(err)
	}
	defer config.HttpClient.CloseIdleConnections()
	client, err := api.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	login, err := client.Logical().Write("auth/cert/login", nil)
	if err != nil {
		return nil
	}
	return login.Auth.Policies
}

func TestVaultIssuesDatabaseUsers(t *testing.T) {
	t.Parallel()
	v := servers.Vault(t, servers.VaultPlugins())
	pg := servers.Postgres(t)
	v.Database(pg)
	v.DatabaseRole("app", 2*time.Second, time.Minute)
	pg.SQL("CREATE TABLE visits (at timestamptz)")

	lease, err := v.Client().Logical().Read("database/creds/app")
	if err != nil {
		t.Fatal(err)
	}
	if lease.LeaseDuration != 2 || !lease.Renewable {
		t.Errorf("the lease is of %d s, renewable: %t", lease.LeaseDuration, lease.Renewable)
	}
	user, password := lease.Data["username"].(string), lease.Data["password"].(string)
	if out, err := pg.Try(user, password, "INSERT INTO visits VALUES (now()); SELECT count(*) FROM visits"); err != nil || out != "1" {
		t.Errorf("got %q, %v", out, err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err = pg.Try(user, password, "SELECT 1"); err != nil {
			return // the lease is over
		}
		if time.Now().After(deadline) {
			t.Fatal("the user of a lease of 2 s lives on after 30 s")
		}
	}
}

func TestPersistentVaultRunsPlugins(t *testing.T) {
	t.Parallel()
	v := servers.Vault(t, servers.VaultPersistent(), servers.VaultPlugins())
	pg := servers.Postgres(t)
	v.Database(pg)
	pg.SQL("CREATE ROLE batch LOGIN PASSWORD 'first'")
	v.Write("database/static-roles/batch", map[string]any{"db_name": "pg", "username": "batch", "rotation_period": "1h"})
	v.Stop()
	v.Start()
	read, err := v.Client().Logical().Read("database/static-creds/batch")
	if err != nil {
		t.Fatal(err)
	}
	if ttl, _ := read.Data["ttl"].(json.Number).Int64(); ttl < 3500 || ttl > 3600 {
		t.Errorf("the password lives for %d s", ttl)
	}
	if _, err := pg.Try("batch", read.Data["password"].(string), "SELECT 1"); err != nil {
		t.Error(err)
	}
}
