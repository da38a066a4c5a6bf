package stores

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path/filepath"

	"restencil/cmd/restencil/config/setting"
	"restencil/watch/filewatch"
	"restencil/watch/schedule"
	"restencil/watch/transport"
)

// ssl returns the block ssl of a store. The names of its flags begin with flags; "": it
// has none. env has its environment variables by key.
func ssl(flags string, t *transport.TLS, enabled string, env map[string]string) setting.Setting {
	block := []setting.Setting{
		{Key: "enabled", Flag: "-", To: &t.Enabled, Default: enabled,
			Help: "Use TLS. If not given, the address and the other keys of ssl decide."},
		{Key: "verify", Flag: "-verify", To: setting.Not(&t.SkipVerify),
			Help: "Check the server's certificate."},
		{Key: "cert", Flag: "-cert", Arg: "<path>", To: &t.Cert,
			Help: "The client certificate, a PEM file; with the key in it where there is none besides."},
		{Key: "key", Flag: "-key", Arg: "<path>", To: &t.Key,
			Help: "The key of the client certificate, a PEM file."},
		{Key: "ca_cert", Flag: "-ca-cert", Arg: "<path>", To: &t.CACert,
			Help: "The authorities to trust, a PEM file."},
		{Key: "ca_cert_bytes", To: &t.CACertBytes, Help: "The authorities to trust, as PEM text. Has no effect for Consul."},
		{Key: "ca_path", Flag: "-ca-path", Arg: "<path>", To: &t.CAPath,
			Help: "The authorities to trust, a directory of PEM files."},
		{Key: "server_name", Flag: "-server-name", Arg: "<name>", To: &t.ServerName,
			Help: "The name that the server's certificate must bear."},
	}
	for i := range block {
		block[i].Env = env[block[i].Key]
	}
	return setting.Setting{Key: "ssl", Flag: flags, Block: block}
}

// finishTLS enables TLS if anything else in the block is set.
func finishTLS(t *transport.TLS, block string, o *setting.Origins) {
	if !o.IsSet(block + ".enabled") {
		other := *t
		other.Enabled, other.SkipVerify = false, false
		t.Enabled = o.IsSet(block+".verify") || other != transport.TLS{}
	}
}

// fingerprint returns a hash of the contents of files and directories. A source reads
// them once, so a reload replaces it when the hash has changed. Errors are ignored here;
// the source reports them.
func fingerprint(paths ...string) string {
	sum := sha256.New()
	for _, path := range paths {
		_ = filepath.WalkDir(path, func(path string, _ fs.DirEntry, _ error) error {
			content, _ := filewatch.ReadFile(path)
			fmt.Fprintf(sum, "%q %q\n", path, content)
			return nil
		})
	}
	return string(sum.Sum(nil))
}

// connectionGroup is the heading of the flags that Consul and Vault share.
const connectionGroup = "Connections and retries"

func connections(flags string, t *transport.Options) setting.Setting {
	return setting.Setting{Key: "transport", Flag: flags, Group: connectionGroup, Block: []setting.Setting{
		{Key: "dial_keep_alive", Flag: "-dial-keep-alive", To: &t.DialKeepAlive,
			Help: "The time between keep-alive probes."},
		{Key: "dial_timeout", Flag: "-dial-timeout", To: &t.DialTimeout,
			Help: "How long connecting may take."},
		{Key: "disable_keep_alives", Flag: "-disable-keep-alives", To: &t.DisableKeepAlives,
			Help: "Use every connection once."},
		{Key: "idle_conn_timeout", To: &t.IdleConnTimeout, Help: "How long to keep a connection that is not used."},
		{Key: "max_idle_conns", To: &t.MaxIdleConns, Help: "How many unused connections to keep in all; 0 for no limit."},
		{Key: "max_idle_conns_per_host", Flag: "-max-idle-conns-per-host", To: &t.MaxIdleConnsPerHost,
			Help: "How many idle connections to keep."},
		{Key: "max_conns_per_host", Flag: "-max-conns-per-host", To: &t.MaxConnsPerHost,
			Help: "How many connections to have at most; 0 for no limit."},
		{Key: "tls_handshake_timeout", Flag: "-tls-handshake-timeout", To: &t.TLSHandshakeTimeout,
			Help: "How long the TLS handshake may take."},
	}}
}

func retry(flags string, enabled *bool, b *schedule.Backoff) setting.Setting {
	return setting.Setting{Key: "retry", Flag: flags, Group: connectionGroup, Block: []setting.Setting{
		{Key: "enabled", Flag: "-", To: enabled, Default: "true",
			Help: "Try again when the store fails."},
		{Key: "attempts", Flag: "-attempts", To: &b.Attempts, Default: "12",
			Help: "How often to try; 0 for ever. Without it a daemon never gives up, and -once does at 12."},
		{Key: "backoff", Flag: "-backoff", To: &b.Base,
			Help: "How long to wait after the first failure; doubled after each."},
		{Key: "max_backoff", Flag: "-max-backoff", To: &b.Max,
			Help: "How long to wait at most; 0 for no limit."},
	}}
}
