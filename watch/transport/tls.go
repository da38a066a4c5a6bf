package transport

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"restencil/renderer/atomicfile"
)

// TLS says how to use TLS (COMPAT 2.5.11). What is zero, a store's own
// environment variables say, or the system.
type TLS struct {
	// Enabled says that TLS is used whatever the address says, and that the
	// variables for certificates have no effect. Consul's alone: for the others
	// the address decides.
	Enabled bool

	SkipVerify  bool   // take any certificate
	Cert, Key   string // files of the client's own certificate; no Key: it stands in Cert
	CACert      string // file of the authorities to trust; "" is CACertBytes
	CACertBytes string // PEM text of them, not for Consul; "" is CAPath
	CAPath      string // directory of such files; "" is the system's authorities
	ServerName  string // the name in the server's certificate; "" is the address's
}

// Files returns the names of the files and directories that a client opens.
func (t TLS) Files() []string { return []string{t.Cert, t.Key, t.CACert, t.CAPath} }

// CheckFiles returns an error unless the files, and those in the directories, are
// regular files or missing. It comes before a library opens them, which would wait
// for ever for a named pipe. "" names none, and what the shell has opened already,
// as for <(…), may be a pipe.
func CheckFiles(paths ...string) error {
	for _, path := range paths {
		if path == "" || strings.HasPrefix(path, "/dev/fd/") {
			continue
		}
		err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, _ error) error {
			info, err := os.Stat(path)
			if err != nil || info.IsDir() {
				return nil // whoever opens it says why that fails
			}
			return atomicfile.Regular("read", path, info.Mode())
		})
		if err != nil {
			return err
		}
	}
	return nil
}
