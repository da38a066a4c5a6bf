package journal

import (
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
)

// A generationFile is a Generation as it is written.
type generationFile struct {
	Version int        `json:"version"`
	Bundle  string     `json:"bundle"`
	Number  int        `json:"number"`
	Hash    string     `json:"hash"`
	Time    time.Time  `json:"time"`
	Files   []keptFile `json:"files"`
}

// A keptFile is a File as it is written. Of Text and Bytes at most one is set.
type keptFile struct {
	Path   string `json:"path"`
	Perm   string `json:"perm"` // octal
	User   string `json:"user,omitempty"`
	Group  string `json:"group,omitempty"`
	Secret bool   `json:"secret,omitempty"`
	Size   int64  `json:"size"`
	Sum    string `json:"sha256"`
	Text   string `json:"text,omitempty"`
	Bytes  []byte `json:"bytes,omitempty"` // content that is not UTF-8
}

// History returns the generations of a bundle without their contents, the
// oldest first.
func (j *Journal) History(bundle string) ([]Generation, error) {
	e, err := j.reading(bundle)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	numbers, err := j.numbers(bundle)
	if err != nil {
		return nil, err
	}
	var all []Generation
	for _, n := range numbers {
		g, err := j.generation(bundle, n)
		if err != nil {
			return nil, err
		}
		if g == nil {
			continue
		}
		for i := range g.Files {
			g.Files[i].Content = nil
		}
		all = append(all, *g)
	}
	return all, nil
}

// Generation returns a generation of a bundle with the contents of all files
// that are not secret. If there is none of this number the error is
// fs.ErrNotExist.
func (j *Journal) Generation(bundle string, number int) (Generation, error) {
	e, err := j.reading(bundle)
	if err != nil {
		return Generation{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	g, err := j.generation(bundle, number)
	if err != nil {
		return Generation{}, err
	}
	if g == nil {
		return Generation{}, fmt.Errorf("bundle %q has no generation %d: %w", bundle, number, fs.ErrNotExist)
	}
	return *g, nil
}

// keep makes a generation of files, unless the newest has the same hash.
func (j *Journal) keep(bundle, hash string, files []File) error {
	e, err := j.writing(bundle)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if j.options.Generations > 0 {
		newest, err := j.newest(bundle)
		if err != nil || newest.Number > 0 && newest.Hash == hash {
			return err
		}
		g := Generation{Number: newest.Number + 1, Hash: hash, Time: time.Now().UTC().Round(0), Files: files}
		if err := j.write(bundle, g); err != nil {
			return j.failed(err)
		}
	}
	return j.prune(bundle)
}

// newest returns the newest generation that is not damaged, or one with the
// number 0 where there is none.
func (j *Journal) newest(bundle string) (Generation, error) {
	numbers, err := j.numbers(bundle)
	if err != nil {
		return Generation{}, err
	}
	for _, n := range slices.Backward(numbers) {
		g, err := j.generation(bundle, n)
		if err != nil {
			return Generation{}, err
		}
		if g != nil {
			return *g, nil
		}
	}
	return Generation{}, nil
}

func (j *Journal) write(bundle string, g Generation) error {
	data, err := encodeGeneration(bundle, g)
	if err != nil {
		return err
	}
	if err := j.disk.mkdir(j.historyDir(bundle)); err != nil {
		return err
	}
	return j.disk.replace(j.generationPath(bundle, g.Number), data)
}

// prune removes the oldest generations beyond what is kept.
func (j *Journal) prune(bundle string) error {
	numbers, err := j.numbers(bundle)
	if err != nil {
		return err
	}
	for _, n := range numbers[:max(len(numbers)-max(j.options.Generations, 0), 0)] {
		if err := j.disk.remove(j.generationPath(bundle, n)); err != nil {
			return j.failed(err)
		}
	}
	return nil
}

func (j *Journal) generationPath(bundle string, number int) string {
	return filepath.Join(j.historyDir(bundle), strconv.Itoa(number)+".json")
}

// numbers returns those of the generations that there are files for, ascending.
func (j *Journal) numbers(bundle string) ([]int, error) {
	entries, err := os.ReadDir(j.historyDir(bundle))
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

// generation reads a generation; nil where there is none or it is damaged,
// which sets it aside.
func (j *Journal) generation(bundle string, number int) (*Generation, error) {
	path := j.generationPath(bundle, number)
	data, err := atomicfile.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the state directory: %w", err)
	}
	g, err := decodeGeneration(data)
	if err == nil && g.Number != number {
		err = fmt.Errorf("it is generation %d", g.Number)
	}
	if err != nil {
		return nil, j.setAside(&damage{path, err})
	}
	return &g, nil
}

func encodeGeneration(bundle string, g Generation) ([]byte, error) {
	out := generationFile{Version: version, Bundle: bundle, Number: g.Number, Hash: g.Hash, Time: g.Time}
	for _, f := range g.Files {
		if err := texts(f.Path, f.User, f.Group); err != nil {
			return nil, err
		}
		out.Files = append(out.Files, f.kept())
	}
	return encode(out)
}

// kept returns f as it is written.
func (f File) kept() keptFile {
	k := keptFile{
		Path: f.Path, Perm: strconv.FormatUint(uint64(f.Perm), 8), User: f.User, Group: f.Group,
		Secret: f.Secret, Size: int64(len(f.Content)), Sum: sum(f.Content),
	}
	switch {
	case f.Secret:
	case utf8.Valid(f.Content):
		k.Text = string(f.Content)
	default:
		k.Bytes = f.Content
	}
	return k
}

func decodeGeneration(data []byte) (Generation, error) {
	var in generationFile
	if err := json.Unmarshal(data, &in); err != nil {
		return Generation{}, err
	}
	if in.Version != version {
		return Generation{}, fmt.Errorf("version %d is not known here", in.Version)
	}
	g := Generation{Number: in.Number, Hash: in.Hash, Time: in.Time}
	for _, k := range in.Files {
		f, err := k.file()
		if err != nil {
			return Generation{}, fmt.Errorf("%s: %w", k.Path, err)
		}
		g.Files = append(g.Files, f)
	}
	return g, nil
}

// file returns k as it was given, and checks that it is that.
func (k keptFile) file() (File, error) {
	perm, err := strconv.ParseUint(k.Perm, 8, 32)
	if err != nil {
		return File{}, err
	}
	f := File{
		Path: k.Path, Perm: fs.FileMode(perm), User: k.User, Group: k.Group,
		Secret: k.Secret, Size: k.Size, Sum: k.Sum,
	}
	if k.Secret {
		return f, nil
	}
	f.Content = k.Bytes
	if len(f.Content) == 0 {
		f.Content = []byte(k.Text)
	}
	if sum(f.Content) != k.Sum || int64(len(f.Content)) != k.Size {
		return File{}, errors.New("its content has changed since")
	}
	return f, nil
}

// KeepRejected keeps files of a bundle that were proven bad, with the reason, to
// be looked at: in the place of those before, as they are, in the directory that
// it returns. Their names are the last elements of their paths, or where several
// have that, with a number before. Secret files are left out.
func (j *Journal) KeepRejected(bundle, reason string, files []File) (dir string, err error) {
	e, err := j.writing(bundle)
	if err != nil {
		return "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	dir = filepath.Join(j.dir, "rejected", fileName(bundle))
	if err := os.RemoveAll(dir); err != nil {
		return "", j.failed(err)
	}
	if err := j.disk.mkdir(dir); err != nil {
		return "", j.failed(err)
	}
	known := make(map[string]bool)
	for i, f := range files {
		if f.Secret {
			continue
		}
		name := filepath.Base(f.Path)
		if known[name] || name == reasonFile {
			name = fmt.Sprintf("%d-%s", i+1, name)
		}
		known[name] = true
		if err := atomicfile.Write(filepath.Join(dir, name), f.Content); err != nil {
			return "", j.failed(err)
		}
	}
	if err := atomicfile.Write(filepath.Join(dir, reasonFile), []byte(reason+"\n")); err != nil {
		return "", j.failed(err)
	}
	return dir, nil
}

// reasonFile is the name of the file with the reason among rejected files.
const reasonFile = "REASON"
