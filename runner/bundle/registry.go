package bundle

import (
	"maps"
	"slices"
	"sync"

	"restencil/renderer"
	"restencil/runner/bundle/group"
	"restencil/template"
)

// A Registry knows the bundles that there are, and the secrets in their files. The
// zero value has none. It may be used from any goroutine.
type Registry struct {
	mu        sync.Mutex
	bundles   map[*Bundle]bool
	templates map[string]string           // by the path of their destination; nil: to be made
	secrets   map[string]template.Secrets // that may be in a file, by its key
}

// set notes that b is there, or is not any more.
func (r *Registry) set(b *Bundle, there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bundles == nil {
		r.bundles, r.secrets = make(map[*Bundle]bool), make(map[string]template.Secrets)
	}
	r.templates = nil
	if delete(r.bundles, b); there {
		r.bundles[b] = true
	}
}

// has tells whether some bundle has this key.
func (r *Registry) has(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for b := range r.bundles {
		if b.entry.key == key {
			return true
		}
	}
	return false
}

// writer returns the template whose destination a path is, "" where it is none's.
func (r *Registry) writer(path string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.templates == nil {
		r.templates = make(map[string]string)
		for b := range r.bundles {
			for _, m := range b.spec.Members {
				if renderer.StreamOf(m.Destination) == renderer.NoStream {
					r.templates[group.Path(m.Destination)] = m.Template
				}
			}
		}
	}
	return r.templates[group.Path(path)]
}

// hide notes which secrets may be in a file, so that whatever reads it can be kept
// from printing them.
func (r *Registry) hide(f *group.File) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if secrets := f.Secrets(); secrets.None() {
		delete(r.secrets, f.Key())
	} else {
		r.secrets[f.Key()] = secrets
	}
}

// Secrets returns all secrets that may be in any file.
func (r *Registry) Secrets() template.Secrets {
	r.mu.Lock()
	defer r.mu.Unlock()
	return template.Secrets{}.With(slices.Collect(maps.Values(r.secrets))...)
}
