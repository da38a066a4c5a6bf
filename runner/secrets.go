package runner

import (
	"bytes"
	"io/fs"
	"os"
	"runtime"
	"slices"

	"restencil/template"
	"restencil/watch"
)

// What was taken from a secret is for the destination alone. Whatever reads that
// (a command, a check) may print it; so what they say is masked before it goes
// into an event or an error.

// secret tells whether an output may hold something that must not be shown.
func secret(used []watch.Query) bool {
	return slices.ContainsFunc(used, func(q watch.Query) bool { return q.Kind.Secret() })
}

// hold notes the secrets of an output that is in place now. Those of the one
// before are still known to the program that read it.
func (u *unit) hold(out *outcome) {
	if out.print != u.written {
		u.held[1] = u.held[0]
	}
	u.held[0] = out.Secrets
}

// secretsOf returns those that may be in the files of units, or will be.
func secretsOf(units ...*unit) template.Secrets {
	var all []template.Secrets
	for _, u := range units {
		all = append(all, u.held[:]...)
		for _, out := range []*outcome{u.pending, u.latest} {
			if out != nil {
				all = append(all, out.Secrets)
			}
		}
	}
	return template.Secrets{}.With(all...)
}

// readableByAll are the mode bits of which a file with secrets should have none.
const readableByAll = 0o004

// lookAtMode tells, once for each destination, that everybody may read a file
// that was made of secrets. The mode stays as it is: whatever reads the file
// relies on it.
func (r *Runner) lookAtMode(u *unit, out *outcome) {
	path := u.spec.Destination
	if r.exposed[path] || r.opts.Dry || runtime.GOOS == "windows" || !confidential(out) {
		return
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode()&readableByAll == 0 {
		return
	}
	r.exposed[path] = true
	r.tell(Exposed{Template: u.spec.Name, Destination: path, Mode: info.Mode() & fs.ModePerm})
}

// confidential tells whether an output is for few eyes: it was made of secrets.
// Of what Vault issues, a certificate is for all to see, and only its key is not.
func confidential(out *outcome) bool {
	public := func(q watch.Query) bool { return q.Kind == watch.VaultPKI || !q.Kind.Secret() }
	for _, q := range out.Used {
		if !public(q) {
			return true
		}
	}
	return secret(out.Used) && bytes.Contains(out.Output, []byte("PRIVATE KEY"))
}
