package bundle

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"

	"restencil/renderer"
	"restencil/renderer/atomicfile"
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
			secrets := w.File.Secrets().With(b.shared.Registry.Secrets())
			f := diff.File{
				Path: w.File.Destination, New: w.Output.Content,
				Secret: w.Output.Secret, Mask: secrets.Masker(),
			}
			switch info, err := os.Stat(f.Path); {
			case err == nil:
				if f.Old, err = atomicfile.ReadFile(f.Path); err != nil {
					return err
				}
				f.Exists, f.Secret = true, f.Secret || w.File.MayHoldSecret(info.Mode())
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
			if !f.Exists || !bytes.Equal(f.Old, f.New) {
				pending = append(pending, f)
			}
		}
		return nil
	})
	return pending, err
}
