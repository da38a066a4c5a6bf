package transaction

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"restencil/funcs"
	"restencil/renderer"
	"restencil/renderer/atomicfile"
)

// dirs are the open directories that writeToFile writes to, by path. Files in them are
// reached only through these descriptors.
type dirs map[string]*os.Root

// extraFiles returns the files that calls of writeToFile write, one for each path. As in
// consul-template, neither the file nor its directory may be a symbolic link
// (COMPAT, appendix A, 0.42.1); unlike there, writes are atomic, no link can be put
// there between the check and the write, and the destination of a template is refused.
func (tx *Transaction) extraFiles(ctx context.Context, calls []funcs.File) ([]renderer.File, error) {
	var files []renderer.File
	index := make(map[string]int, len(calls)) // in files, by path
	for _, f := range calls {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		path := filepath.Clean(f.Path)
		// Where only one of user and group is given, the other is the process's own.
		user, group := f.User, f.Group
		if user == "" && group != "" {
			user = strconv.Itoa(os.Getuid())
		}
		if group == "" && user != "" {
			group = strconv.Itoa(os.Getgid())
		}
		want := renderer.File{
			Path:      path,
			Content:   []byte(f.Content),
			Perm:      fs.FileMode(f.Perms) & fs.ModePerm,
			User:      user,
			Group:     group,
			NoParents: true,
		}
		if i, again := index[path]; again {
			if f.Append {
				want.Content = append(files[i].Content, want.Content...)
			}
			want.Dir = files[i].Dir
			files[i] = want
			continue
		}
		if template := tx.tools.Writer(path); template != "" {
			return nil, fmt.Errorf("writeToFile: refusing to write to %q: it is the destination of template %s", path, template)
		}
		var err error
		want.Dir, err = tx.dirs.open(path, !tx.tools.Preview)
		switch {
		case tx.tools.Preview && errors.Is(err, fs.ErrNotExist): // nor is the file there
			want.Dir = nil
		case err != nil:
			return nil, err
		}
		if p := tx.extras[path]; f.Append && p != nil { // after what another template appends
			want.Content = slices.Concat(p.want.Content, want.Content)
		} else if f.Append && want.Dir != nil {
			old, err := read(want.Dir, path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("writeToFile: %w", err)
			}
			want.Content = append(old, want.Content...)
		}
		index[path] = len(files)
		files = append(files, want)
	}
	return files, nil
}

// open returns the directory of a file, which it makes where it is missing and makes is
// set. Links are an error.
func (d dirs) open(path string, makes bool) (*os.Root, error) {
	dir := filepath.Dir(path)
	root := d[dir]
	if root == nil {
		var err error
		root, err = openDir(dir, makes)
		switch {
		case errors.Is(err, errLink):
			return nil, fmt.Errorf("writeToFile: refusing to write through symlinked directory in path %q", path)
		case err != nil:
			return nil, fmt.Errorf("writeToFile: %w", err)
		}
		d[dir] = root
	}
	if info, err := root.Lstat(filepath.Base(path)); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, fmt.Errorf("writeToFile: refusing to write to symlink %q", path)
	}
	return root, nil
}

var errLink = errors.New("a symbolic link")

// openDir opens a directory that is no link. With makes it makes it first where it is
// missing.
func openDir(dir string, makes bool) (*os.Root, error) {
	if makes {
		if err := os.MkdirAll(dir, fs.ModePerm); err != nil {
			return nil, err
		}
	}
	// With the dot the system refuses what is no directory, and does not wait for it.
	root, err := os.OpenRoot(dir + string(filepath.Separator) + ".")
	if err != nil {
		return nil, err
	}
	opened, err := root.Stat(".")
	if err == nil {
		var named fs.FileInfo
		// It may be another by now: a link was there when it was opened, or is now.
		if named, err = os.Lstat(dir); err == nil && !os.SameFile(opened, named) {
			err = errLink
		}
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// read returns the content of a file in a directory.
func read(dir *os.Root, path string) ([]byte, error) {
	f, err := atomicfile.OpenWith(dir.OpenFile, filepath.Base(path), os.O_RDONLY, 0)
	if err != nil {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			pathErr.Path = path
		}
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
