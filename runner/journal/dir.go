package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"restencil/runner/journal/dirlock"
)

// DefaultDir returns the state directory where none is configured: the first of
// $STATE_DIRECTORY, which systemd sets; for root /var/lib/restencil; else
// restencil in $XDG_STATE_HOME or in ~/.local/state; "" if there is no home.
func DefaultDir(lookupEnv func(string) (string, bool), uid int) string {
	dirs, _ := lookupEnv("STATE_DIRECTORY")
	if first, _, _ := strings.Cut(dirs, ":"); first != "" {
		return first
	}
	if uid == 0 {
		return "/var/lib/restencil"
	}
	// One that is relative is to be ignored, the specification says.
	if state, _ := lookupEnv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "restencil")
	}
	if home, _ := lookupEnv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "restencil")
	}
	return ""
}

func (j *Journal) bundlesDir() string { return filepath.Join(j.dir, "bundles") }

// maxBase is how much of a bundle's name the name of its file carries, in
// bytes.
const maxBase = 48

// fileName returns a name for the files of a bundle: a safe one on every file
// system, also one that makes nothing of case, and another for each bundle.
func fileName(bundle string) string {
	base := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, bundle)
	hash := sha256.Sum256([]byte(bundle))
	return base[:min(len(base), maxBase)] + "." + hex.EncodeToString(hash[:8])
}

// lockToRead locks the directory, if it is in use at all. Called with mu held.
func (j *Journal) lockToRead() error {
	if j.lock.Held() || j.options.ReadOnly {
		return nil
	}
	err := j.lock.Take(false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // nobody has written here yet
	case errors.Is(err, dirlock.ErrInUse), errors.Is(err, dirlock.ErrUntrusted):
		return j.failed(err)
	case err != nil:
		return fmt.Errorf("cannot read the state directory: %w", err)
	}
	return nil
}

// lockToWrite makes the directory, where it is missing, and locks it. Called
// with mu held.
func (j *Journal) lockToWrite() error {
	if j.options.ReadOnly {
		return j.failed(errors.New("it was opened for reading"))
	}
	moved := j.lock.Moved()
	if moved || !j.lock.Held() {
		if err := j.disk.Mkdir(j.dir); err != nil {
			return j.failed(err)
		}
		if err := j.lock.Take(true); err != nil {
			return j.failed(err)
		}
	}
	if err := j.disk.Mkdir(j.bundlesDir()); err != nil {
		return j.failed(err)
	}
	if moved && j.options.Remade != nil {
		j.options.Remade()
	}
	return nil
}

// failed returns err as the reason why nothing could be written, and says what
// to do about it.
func (j *Journal) failed(err error) error {
	switch {
	case errors.Is(err, dirlock.ErrInUse):
		return fmt.Errorf("cannot use the state directory %s: %w: "+
			"stop it, or give this one another directory with state_dir", j.dir, err)
	case errors.Is(err, dirlock.ErrUntrusted):
		return fmt.Errorf("cannot use the state directory %s: %w", j.dir, err)
	}
	return fmt.Errorf("cannot write to the state directory %s: %w; "+
		"what is owed will not be known after a restart: "+
		"make it writable, or set state_dir to another directory or to \"none\"", j.dir, err)
}
