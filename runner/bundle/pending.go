package bundle

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"

	"restencil/renderer"
	"restencil/renderer/atomicfile"
	"restencil/runner/bundle/group"
	"restencil/runner/diff"
)

// Pending returns the files of b, or the one of this destination, that are not what
// they are to be: their change waits, is held, has failed or is about to be made.
func (b *Bundle) Pending(ctx context.Context, name string) (pending []diff.File, err error) {
	err = b.request(ctx, func(context.Context) error {
		for _, w := range b.groups.Newest(name) {
			if w.File.Shadowed || w.File.Stream != renderer.NoStream {
				continue
			}
			f, err := compared(b, w, w.File.Destination, w.Output.Content)
			if err != nil {
				return err
			}
			if f.Removes && f.Exists || !f.Removes && (!f.Exists || !bytes.Equal(f.Old, f.New)) {
				pending = append(pending, f)
			}
		}
		return nil
	})
	return pending, err
}

// compared returns how a path would change that is to hold this content: the
// destination of w, or a path of its writeToFile.
func compared(b *Bundle, w group.Want, path string, content []byte) (diff.File, error) {
	secrets := w.File.Secrets().With(b.shared.Registry.Secrets())
	f := diff.File{Path: path, New: content, Removes: w.Place.Remove, Secret: w.Output.Secret, Mask: secrets.Masker()}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err == nil:
		f.Old, err = atomicfile.ReadFile(path)
	}
	if err != nil {
		return f, err
	}
	f.Exists, f.OldSecret = true, w.File.MayHoldSecret(info.Mode())
	return f, nil
}
