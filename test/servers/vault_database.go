package servers

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"
)

// postgresPlugin is the file of Vault's plugin for PostgreSQL, which a Vault
// built with the tag "minimal" does not have inside.
const postgresPlugin = "vault-plugins/postgresql-database-plugin"

// Database mounts the database secrets engine at database/, connected to pg
// under the name "pg". The server has VaultPlugins. Static roles of that name
// can be written to database/static-roles/; DatabaseRole makes the others.
func (v *VaultServer) Database(pg *PostgresServer) {
	v.t.Helper()
	name := filepath.Base(postgresPlugin)
	v.Write("sys/plugins/catalog/database/"+name, map[string]any{"command": name, "sha256": v.checksum(postgresPlugin)})
	v.Write("sys/mounts/database", map[string]any{"type": "database"})
	v.Write("database/config/pg", map[string]any{
		"plugin_name":    name,
		"allowed_roles":  "*",
		"connection_url": "postgresql://{{username}}:{{password}}@" + pg.Addr() + "/postgres?sslmode=disable",
		"username":       pg.User(),
		"password":       pg.Password(),
	})
}

// DatabaseRole has database/creds/NAME issue users of the database who may read
// and write all tables. Their leases last for ttl, in whole seconds, and can be
// renewed until the lease is maxTTL old. After Database.
func (v *VaultServer) DatabaseRole(name string, ttl, maxTTL time.Duration) {
	v.t.Helper()
	v.Write("database/roles/"+name, map[string]any{
		"db_name": "pg",
		"creation_statements": []string{
			`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';`,
			`GRANT pg_read_all_data, pg_write_all_data TO "{{name}}";`,
		},
		"default_ttl": ttl.String(),
		"max_ttl":     maxTTL.String(),
	})
}

// checksum returns the SHA-256 of a program that "make servers" builds.
func (v *VaultServer) checksum(name string) string {
	v.t.Helper()
	text, err := os.ReadFile(built(v.t, name))
	if err != nil {
		v.t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
