package compat

import (
	"testing"
	"time"

	"restencil/test/servers"
)

// TestVaultDatabase wants both programs to render the credentials of a real
// PostgreSQL alike, but for what is made up for each.
func TestVaultDatabase(t *testing.T) {
	r := newVaultRig(t, servers.VaultPlugins())
	database := servers.Postgres(t)
	database.SQL(`CREATE ROLE fixed LOGIN`)
	r.vault.Database(database)
	r.vault.DatabaseRole("web", time.Hour, 24*time.Hour)
	r.vault.Write("database/static-roles/fixed", map[string]any{"db_name": "pg", "username": "fixed", "rotation_period": "24h"})
	r.compareRendered(t, []source{
		{name: "issued", text: `{{ with secret "database/creds/web" }}{{ regexMatch "^v-token-web-" .Data.username }} {{ len .Data.password }} {{ .LeaseDuration }} {{ .Renewable }} {{ regexMatch "^database/creds/web/" .LeaseID }} {{ len .Data }}{{ end }}`},
		{name: "asked twice", text: `{{ with secret "database/creds/web" }}{{ $first := .Data.username }}{{ with secret "/database/creds/web/" }}{{ eq $first .Data.username }}{{ end }}{{ end }}`},
		{name: "fixed", text: `{{ with secret "database/static-creds/fixed" }}{{ .Data.username }}:{{ .Data.password }} {{ .Data.rotation_period }} {{ printf "%T" .Data.ttl }} {{ .Renewable }} {{ .LeaseDuration }}{{ end }}`},
		{name: "names", text: `{{ secrets "database/roles" }} {{ secrets "database/static-roles/" }} {{ with secret "database/config/pg" }}{{ .Data.plugin_name }} {{ .Data.connection_details.username }}{{ end }}`},
	})
	r.compareFailure(t, source{name: "no such role", text: `{{ secret "database/creds/nosuch" }}`})
}
