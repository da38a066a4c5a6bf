package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"restencil/renderer"
)

// A lazyTree is the staged tree of a transaction, made when it is asked for.
type lazyTree struct {
	files []file
	root  string // "" until it is made
	err   error  // why it cannot be
}

// path returns the tree's root.
func (l *lazyTree) path() (string, error) {
	if l.root == "" && l.err == nil {
		if l.root, l.err = newTree(l.files); l.err != nil {
			l.err = fmt.Errorf("making the staged tree: %w", l.err)
		}
	}
	return l.root, l.err
}

// remove removes the tree.
func (l *lazyTree) remove() error {
	if l.root == "" {
		return nil
	}
	if err := os.RemoveAll(l.root); err != nil {
		return fmt.Errorf("removing the staged tree: %w", err)
	}
	return nil
}

// A tree is a staged tree that is being made. Its paths are absolute ones of the
// real file system, of which it is to have its own.
type tree struct {
	root   string
	staged map[string]file // what is to be at a path
	real   map[string]bool // directories that are to be so in the tree, too
}

// newTree makes a tree with those of files in it that are not at their
// destinations already. Whoever calls it removes it; after an error it has been.
func newTree(files []file) (root string, err error) {
	if root, err = os.MkdirTemp("", "restencil-staged-"); err != nil {
		return "", err
	}
	if root, err = filepath.Abs(root); err != nil {
		return "", err
	}
	t := &tree{root: root, staged: make(map[string]file), real: make(map[string]bool)}
	for _, f := range files {
		if f.temp {
			t.add(f)
		}
	}
	t.addSisters()
	if err := t.make(); err != nil {
		os.RemoveAll(root)
		return "", err
	}
	return root, nil
}

// in returns the path in the tree that stands for a real one.
func (t *tree) in(path string) string {
	return filepath.Join(t.root, path[len(filepath.VolumeName(path)):])
}

// add notes a file: by the path that was given, and by that without symbolic
// links on the way, which a configuration may use as well.
func (t *tree) add(f file) {
	for _, path := range []string{f.path, canonical(f.path)} {
		t.staged[path] = f
		for dir := filepath.Dir(path); !t.real[dir]; dir = filepath.Dir(dir) {
			t.real[dir] = true
		}
	}
}

// canonical returns path with no symbolic links on the way to its last element.
func canonical(path string) string {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return path
	}
	return filepath.Join(dir, filepath.Base(path))
}

// addSisters notes the directories beside those of the files that have a symbolic
// link to one of them. It does not look around at the top, where all else is.
func (t *tree) addSisters() {
	for path := range maps.Clone(t.staged) {
		parent := filepath.Dir(filepath.Dir(path))
		if parent == filepath.Dir(parent) {
			continue
		}
		for _, e := range list(parent) {
			dir := filepath.Join(parent, e.Name())
			if e.IsDir() && !t.real[dir] && t.linksIn(dir) {
				t.real[dir] = true
			}
		}
	}
}

// linksIn tells whether a directory has a symbolic link to a staged file.
func (t *tree) linksIn(dir string) bool {
	return slices.ContainsFunc(list(dir), func(e fs.DirEntry) bool {
		if e.Type()&fs.ModeSymlink == 0 {
			return false
		}
		_, ok := t.staged[step(filepath.Join(dir, e.Name()))]
		return ok
	})
}

// step returns where a symbolic link leads, which need not exist.
func step(link string) string {
	to, err := os.Readlink(link)
	if err != nil {
		return ""
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(canonical(link)), to)
	}
	return canonical(to)
}

// list returns what is in a directory, as far as the process may know.
func list(dir string) []fs.DirEntry {
	entries, _ := os.ReadDir(dir)
	return entries
}

// make makes the tree.
func (t *tree) make() error {
	for _, dir := range slices.Sorted(maps.Keys(t.real)) { // parents first
		if err := os.Mkdir(t.in(dir), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := t.fill(dir); err != nil {
			return err
		}
	}
	for path, f := range t.staged {
		if err := put(f, t.in(path)); err != nil {
			return err
		}
	}
	return nil
}

// fill links what is in a directory into the tree, but for what comes there by
// itself.
func (t *tree) fill(dir string) error {
	for _, e := range list(dir) {
		path := filepath.Join(dir, e.Name())
		_, staged := t.staged[path]
		if staged || t.real[path] || path == t.root || renderer.IsTemp(path) {
			continue
		}
		to := path
		if e.Type()&fs.ModeSymlink != 0 {
			to = t.redirect(path)
		}
		if err := os.Symlink(to, t.in(path)); err != nil {
			return err
		}
	}
	return nil
}

// redirect returns what the tree's link in the place of a real one points to:
// something in the tree, where the real one leads to what is staged.
func (t *tree) redirect(link string) string {
	if to := step(link); t.has(to) {
		return t.in(to)
	}
	if to, err := filepath.EvalSymlinks(link); err == nil && t.has(to) {
		return t.in(to)
	}
	return link
}

func (t *tree) has(path string) bool {
	_, staged := t.staged[path]
	return staged || t.real[path]
}

// put makes path be what is staged for f.
func put(f file, path string) error {
	if os.Link(f.staged, path) == nil {
		return nil
	}
	if f.secret {
		// Where its file system is memory, it must not come on a disk.
		return os.Symlink(f.staged, path)
	}
	return duplicate(f.staged, path)
}

// duplicate copies a file with its mode and, where the process may, its owner.
func duplicate(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		return err
	}
	chownLike(to, info)
	return os.Chmod(to, info.Mode())
}
