package renderer

import (
	"os"
	"path/filepath"
)

// many is from how many files on a file system it may be quicker to put all of
// that on stable storage at once: each fsync waits for a transaction of the
// file system, and one for all of them waits for one or two.
const many = 64

// A volume is a file system to which many files are being written.
type volume struct {
	root  *os.File // a directory on it, opened before anything was written
	files int
	err   error // why sync failed
}

// volumes are those that are to be synced as a whole, by the directories of
// files.
type volumes map[string]*volume

// openVolumes returns the volumes of files, where syncing a whole file system
// costs little; else none.
func openVolumes(files []File) volumes {
	if len(files) < many || !littleUnwritten() {
		return nil
	}
	dirs := make(volumes)
	known := make(map[device]*volume)
	for _, f := range files {
		dir := filepath.Dir(f.Path)
		if _, ok := dirs[dir]; !ok {
			dirs[dir] = openVolume(dir, known)
		}
		if v := dirs[dir]; v != nil {
			v.files++
		}
	}
	for dir, v := range dirs {
		if v == nil || v.files < many {
			delete(dirs, dir)
		}
	}
	for _, v := range known {
		if v.files < many {
			v.root.Close()
		}
	}
	return dirs
}

// openVolume returns the volume of a directory, and nil where it has none: it
// is missing, say, or not to be read.
func openVolume(dir string, known map[device]*volume) *volume {
	root, err := os.Open(dir)
	if err != nil {
		return nil
	}
	id, ok := deviceOf(root)
	if ok && known[id] == nil {
		known[id] = &volume{root: root}
	} else {
		root.Close()
	}
	return known[id]
}

// of returns the volume that is to make f durable; nil for none.
func (vs volumes) of(f File, alone bool) *volume {
	if !alone {
		return nil
	}
	return vs[filepath.Dir(f.Path)]
}

// syncVolumes puts the volumes on stable storage on which something was staged.
func syncVolumes(staged []*Staged) {
	done := make(map[*volume]bool)
	for _, s := range staged {
		if s == nil || s.volume == nil || s.temp == "" || done[s.volume] {
			continue
		}
		done[s.volume] = true
		s.volume.err = syncVolume(s.volume.root)
	}
}

func (vs volumes) close() {
	for _, v := range vs {
		v.root.Close() // more than once does no harm
	}
}
