package funcs

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"text/template"
)

// writeToFileFuncs returns the function that asks for one more file
// (COMPAT 3.10).
func (e *Env) writeToFileFuncs() template.FuncMap {
	return template.FuncMap{"writeToFile": e.writeToFile}
}

// writeToFile asks for a file of that content; perms are octal digits, and
// owner and group names or ids, or "" for the program's own. With six
// arguments there are flags before the content: "append", "newline" or both.
// The file is written once the template is complete.
func (e *Env) writeToFile(path, owner, group, perms string, rest ...string) (string, error) {
	if len(rest) == 0 {
		return "", errors.New("writeToFile: wrong number of arguments, expected 5 or 6, but got 4")
	}
	f := File{Path: path, User: owner, Group: group, Content: rest[len(rest)-1]}
	if err := f.setPerms(perms); err != nil {
		return "", err
	}
	if err := f.checkOwner(); err != nil {
		return "", err
	}
	if len(rest) == 2 {
		f.setFlags(rest[0])
	}
	e.Effects.WriteFile(f)
	return "", nil
}

func (f *File) setPerms(octal string) error {
	perms, err := strconv.ParseUint(octal, 8, 32)
	if err != nil {
		return fmt.Errorf("writeToFile: permissions of %s: %w", f.Path, err)
	}
	f.Perms = uint32(perms)
	return nil
}

func (f *File) setFlags(flags string) {
	f.Append = strings.Contains(flags, "append")
	if strings.Contains(flags, "newline") {
		f.Content += "\n"
	}
}

// checkOwner makes sure that the owner and the group exist on this host, so
// that the error names the place in the template.
func (f *File) checkOwner() error {
	if f.User != "" {
		if _, err := user.Lookup(f.User); err != nil && !isID(f.User) {
			return fmt.Errorf("writeToFile: owner of %s: %w", f.Path, err)
		}
	}
	if f.Group != "" {
		if _, err := user.LookupGroup(f.Group); err != nil && !isID(f.Group) {
			return fmt.Errorf("writeToFile: group of %s: %w", f.Path, err)
		}
	}
	return nil
}

func isID(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}
