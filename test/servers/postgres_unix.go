//go:build unix

package servers

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// PostgreSQL refuses to run as root.
const serverUser = "postgres"

// databaseDir makes a directory that the server can reach: as root, one below
// /tmp, since a TMPDIR may well be for root's eyes alone.
func databaseDir() (string, error) {
	parent := ""
	if os.Getuid() == 0 {
		parent = "/tmp"
	}
	return os.MkdirTemp(parent, "postgres-")
}

// giveToServer gives files to the user that the server runs as.
func giveToServer(paths ...string) error {
	who, err := serverCredential()
	if err != nil || who == nil {
		return err
	}
	for _, path := range paths {
		if err := os.Chown(path, int(who.Uid), int(who.Gid)); err != nil {
			return err
		}
	}
	return nil
}

// asServer has a process run as the server's user. That it exists has been
// seen by giveToServer.
func asServer(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	attr.Credential, _ = serverCredential()
	return attr
}

// serverCredential returns the user to run PostgreSQL as, nil for our own.
func serverCredential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	who, err := user.Lookup(serverUser)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
