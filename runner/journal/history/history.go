// Package history keeps the last generations of a bundle's files that were applied,
// and the last files that were rejected.
package history

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"restencil/renderer/atomicfile"
	"restencil/runner/journal/disk"
)

// A Generation is a bundle's files at some time.
type Generation struct {
	Number int       `json:"number"` // 1 and up, the newest is the largest
	Hash   string    `json:"hash"`
	Time   time.Time `json:"time"`
	Files  []File    `json:"files"`
}

// A File is one of a generation.
type File struct {
	Path    string      `json:"path"`
	Content []byte      `json:"content,omitempty"`
	Perm    fs.FileMode `json:"perm"`
	User    string      `json:"user,omitempty"`
	Group   string      `json:"group,omitempty"`
	Secret  bool        `json:"secret,omitempty"`  // its content is not kept
	Tainted bool        `json:"tainted,omitempty"` // its content was made of a secret

	// Size and Sum, the SHA-256 in hexadecimal, are of the content, also of one that
	// is not kept. History sets them.
	Size int64  `json:"size"`
	Sum  string `json:"sha256"`
}

// A History is a directory with the generations of a bundle, NUMBER.json each. The
// first makes it. A History is not safe for concurrent use.
type History struct {
	Bundle string
	Dir    string
	Disk   disk.Disk
}

// List returns all generations without the contents of their files, the oldest
// first.
func (h History) List() ([]Generation, error) {
	numbers, err := h.numbers()
	if err != nil {
		return nil, err
	}
	var all []Generation
	for _, n := range numbers {
		g, err := h.Generation(n)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for i := range g.Files {
			g.Files[i].Content = nil
		}
		all = append(all, g)
	}
	return all, nil
}

// Generation returns a generation with the contents that are kept, 0: that before the newest.
// If there is none of this number, or it is damaged, the error is fs.ErrNotExist.
func (h History) Generation(number int) (Generation, error) {
	if number == 0 {
		all, err := h.List()
		if err == nil && len(all) < 2 {
			err = fmt.Errorf("there is no generation of bundle %q before the newest", h.Bundle)
		}
		if err != nil {
			return Generation{}, err
		}
		number = all[len(all)-2].Number
	}
	none := fmt.Errorf("bundle %q has no generation %d: %w", h.Bundle, number, fs.ErrNotExist)
	path := h.path(number)
	data, err := atomicfile.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Generation{}, none
	}
	if err != nil {
		return Generation{}, fmt.Errorf("cannot read the state directory: %w", err)
	}
	g, err := decode(data)
	if err == nil && g.Number != number {
		err = fmt.Errorf("it is generation %d", g.Number)
	}
	if err != nil {
		h.Disk.Damaged(path, err)
		return Generation{}, none
	}
	return g, nil
}

// Add makes a generation of files, unless the newest has the same hash, and removes
// the oldest beyond keep. It returns the number of the newest, 0 where there is none.
func (h History) Add(hash string, files []File, keep int) (int, error) {
	numbers, err := h.numbers()
	if err != nil {
		return 0, err
	}
	var newest Generation
	if keep > 0 {
		for _, n := range slices.Backward(numbers) {
			if newest, err = h.Generation(n); err == nil {
				break
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return 0, err
			}
		}
		if newest.Number > 0 && newest.Hash == hash {
			return newest.Number, nil
		}
		newest = Generation{Number: newest.Number + 1, Hash: hash, Time: time.Now().UTC().Round(0), Files: files}
		data, err := encode(h.Bundle, newest)
		if err != nil {
			return 0, err
		}
		if err := h.Disk.Mkdir(h.Dir); err != nil {
			return 0, err
		}
		if err := h.Disk.Replace(h.path(newest.Number), data); err != nil {
			return 0, err
		}
		if numbers, err = h.numbers(); err != nil {
			return 0, err
		}
	}
	for _, n := range numbers[:max(len(numbers)-max(keep, 0), 0)] {
		if err := h.Disk.Remove(h.path(n)); err != nil {
			return 0, err
		}
	}
	return newest.Number, nil
}

func (h History) path(number int) string { return filepath.Join(h.Dir, strconv.Itoa(number)+".json") }

// numbers returns those of the generations, ascending.
func (h History) numbers() ([]int, error) {
	entries, err := os.ReadDir(h.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the state directory: %w", err)
	}
	var numbers []int
	for _, e := range entries {
		base, isJSON := strings.CutSuffix(e.Name(), ".json")
		if n, err := strconv.Atoi(base); isJSON && err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// version is that of the format. A file of another version is not understood.
const version = 3

// A generationFile is a Generation as it is written.
type generationFile struct {
	Version int    `json:"version"`
	Bundle  string `json:"bundle"`
	Generation
}

func encode(bundle string, g Generation) ([]byte, error) {
	g.Files = slices.Clone(g.Files)
	for i := range g.Files {
		f := &g.Files[i]
		for _, s := range []string{f.Path, f.User, f.Group} {
			if !utf8.ValidString(s) {
				return nil, fmt.Errorf("%q is not UTF-8", s)
			}
		}
		f.Size, f.Sum = int64(len(f.Content)), sum(f.Content)
		if f.Secret {
			f.Content = nil
		}
	}
	return json.Marshal(generationFile{version, bundle, g})
}

func decode(data []byte) (Generation, error) {
	var in generationFile
	if err := json.Unmarshal(data, &in); err != nil {
		return Generation{}, err
	}
	if in.Version != version {
		return Generation{}, fmt.Errorf("version %d is not known here", in.Version)
	}
	for _, f := range in.Files {
		if !f.Secret && (sum(f.Content) != f.Sum || int64(len(f.Content)) != f.Size) {
			return Generation{}, fmt.Errorf("%s: its content has changed since", f.Path)
		}
	}
	return in.Generation, nil
}

func sum(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

const reasonFile = "REASON" // the name of the file with the reason among rejected files

// Reject makes dir hold files that were rejected, and the reason, and nothing else. A
// file's name is the last element of its path, with a number before it where that is
// taken. Secret files are left out.
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
