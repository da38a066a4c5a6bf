// Package overlay lets a command see files in the place of others, while all other
// processes see those others.
//
// The command runs in its own mount namespace. There, an overlay file system covers
// each directory that has one of the files; its upper layer is in memory and holds
// what the command is to see. Nothing is left when the command ends, however it does.
// Where this process is not root, a user namespace gives it the right to mount.
//
// The kernel makes the namespace when it starts this program once more, under another
// name; that process mounts, and then becomes the command (see [Main]).
package overlay

// A File is what a command sees at a path.
type File struct {
	Path    string // absolute
	Content string // the path of the file that it sees there; "": it sees none
}
