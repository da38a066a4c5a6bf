package history

import (
	"fmt"
	"os"
	"path/filepath"

	"restencil/renderer/atomicfile"
	"restencil/runner/journal/disk"
)

// reasonFile is the name of the file with the reason among rejected files.
const reasonFile = "REASON"

// Reject makes dir hold files that were proven bad, and the reason. What it held is
// removed. A file's name is the last element of its path, with a number before it
// where that is taken. Secret files are left out.
func Reject(d disk.Disk, dir, reason string, files []File) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := d.Mkdir(dir); err != nil {
		return err
	}
	taken := map[string]bool{reasonFile: true}
	for i, f := range files {
		if f.Secret {
			continue
		}
		name := filepath.Base(f.Path)
		if taken[name] {
			name = fmt.Sprintf("%d-%s", i+1, name)
		}
		taken[name] = true
		if err := atomicfile.Write(filepath.Join(dir, name), f.Content); err != nil {
			return err
		}
	}
	return atomicfile.Write(filepath.Join(dir, reasonFile), []byte(reason+"\n"))
}
