package journal

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"restencil/runner/journal/history"
)

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{Generations: 2})
	files := func(content string) []history.File {
		return []history.File{
			{Path: "/etc/x.conf", Content: []byte(content), Perm: 0o640 | fs.ModeSetgid, User: "u", Group: "g"},
			{Path: "/etc/x.bin", Content: []byte{0xff, 0, 1}, Perm: 0o600},
			{Path: "/etc/empty"},
			{Path: "/etc/x.key", Content: []byte("hunter2 " + content), Secret: true},
		}
	}
	for _, hash := range []string{"1", "2", "2", "3"} {
		check(t, applied(j, "b", hash, files("<"+hash+">\u2028")))
		check(t, applied(j, "b", hash, nil))
	}

	want := func(n int, hash string) history.Generation {
		g := history.Generation{Number: n, Hash: hash, Files: files("<" + hash + ">\u2028")}
		for i := range g.Files {
			f := &g.Files[i]
			f.Size, f.Sum = int64(len(f.Content)), fmt.Sprintf("%x", sha256.Sum256(f.Content))
		}
		g.Files[3].Content = nil
		return g
	}
	opts := []cmp.Option{cmpopts.IgnoreTypes(time.Time{}), cmpopts.EquateEmpty()}
	for _, j := range []*Journal{j, open(t, dir, Options{ReadOnly: true})} {
		g, err := j.Generation("b", 2)
		check(t, err)
		if diff := cmp.Diff(want(2, "2"), g, opts...); diff != "" {
			t.Errorf("generation 2 differs (-want +got):\n%s", diff)
		}
		if time.Since(g.Time) > time.Minute || time.Since(g.Time) < 0 {
			t.Errorf("it is of %v", g.Time)
		}
		if _, err := j.Generation("b", 1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("generation 1: %v", err)
		}
		all, err := j.History("b")
		check(t, err)
		listed := []history.Generation{want(2, "2"), want(3, "3")}
		for _, g := range listed {
			for i := range g.Files {
				g.Files[i].Content = nil
			}
		}
		if diff := cmp.Diff(listed, all, opts...); diff != "" {
			t.Errorf("the history differs (-want +got):\n%s", diff)
		}
	}
	wantNowhere(t, dir, "hunter2")
}

// wantNowhere looks for text in all files below dir.
func wantNowhere(t *testing.T, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), text) {
			t.Errorf("%s holds %q", path, text)
		}
		return err
	})
	check(t, err)
}

// With fewer generations to be kept than there are, the others go.
func TestFewerGenerations(t *testing.T) {
	for _, n := range []int{0, 1, 3} {
		dir := t.TempDir()
		j := open(t, dir, Options{Generations: 3})
		for _, hash := range []string{"1", "2", "3"} {
			check(t, applied(j, "b", hash, []history.File{{Path: "x"}}))
		}
		check(t, j.Close())
		j = open(t, dir, Options{Generations: n})
		check(t, applied(j, "b", "4", []history.File{{Path: "x"}}))
		all, err := j.History("b")
		if len(all) != n || err != nil || n > 0 && all[n-1].Hash != "4" {
			t.Errorf("%d to be kept: %+v, %v", n, all, err)
		}
	}
}

func TestDamagedGeneration(t *testing.T) {
	for _, content := range []string{"", "x", "{}", `{"version":1,"number":7}`, "changed"} {
		dir := t.TempDir()
		warned := 0
		j := open(t, dir, Options{Generations: 5, Warn: func(error) { warned++ }})
		for _, hash := range []string{"1", "2"} {
			check(t, applied(j, "b", hash, []history.File{{Path: "x", Content: []byte("content " + hash)}}))
		}
		path := filepath.Join(dir, "history", fileName("b"), "2.json")
		if content == "changed" {
			data, err := os.ReadFile(path)
			check(t, err)
			encode := base64.StdEncoding.EncodeToString
			content = strings.Replace(string(data), encode([]byte("content 2")), encode([]byte("content 3")), 1)
		}
		put(t, path, content)
		all, err := j.History("b")
		if len(all) != 1 || err != nil || warned != 1 {
			t.Errorf("%q: History = %+v, %v; %d warnings", content, all, err, warned)
		}
		check(t, applied(j, "b", "2", []history.File{{Path: "x"}}))
		if g, err := j.Generation("b", 2); g.Hash != "2" || err != nil {
			t.Errorf("%q: made again: %+v, %v", content, g, err)
		}
	}
}
