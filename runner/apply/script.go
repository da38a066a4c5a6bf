package apply

import (
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// namesTree tells whether the arguments say that they need the staged tree.
func namesTree(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		return strings.Contains(arg, "StagedRoot") || strings.Contains(arg, "STAGED_ROOT")
	})
}

// runsScript tells whether a word of the command is a file that begins with
// "#!", of which nobody can know from outside what it needs.
func runsScript(args []string) bool {
	words := args
	if len(args) == 1 {
		words = strings.Fields(args[0]) // for the shell
	}
	for i, word := range words {
		word = strings.Trim(word, `"'`)
		if i == 0 {
			if path, err := exec.LookPath(word); err == nil {
				word = path
			}
		}
		if isScript(word) {
			return true
		}
	}
	return false
}

func isScript(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() { // a pipe could be waited for
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var mark [2]byte
	_, err = io.ReadFull(f, mark[:])
	return err == nil && string(mark[:]) == "#!"
}
