package process

// A FileSet is a list of paths without doubles, in the order in which they
// were added. The zero value is empty.
type FileSet struct {
	list  []string
	known map[string]bool
}

func (f *FileSet) Add(paths ...string) {
	for _, p := range paths {
		if p == "" || f.known[p] {
			continue
		}
		if f.known == nil {
			f.known = make(map[string]bool)
		}
		f.known[p] = true
		f.list = append(f.list, p)
	}
}

// List returns the paths. The caller must not change it.
func (f *FileSet) List() []string { return f.list }
