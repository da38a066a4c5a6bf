// Package overlay lets a command see files in the place of others, which
// everybody else goes on to see.
//
// The command runs in a mount namespace of its own, in which an overlay file
// system lies over each directory that has one of the files: its upper layer is in
// memory and has what the command is to see. When the command ends nothing is
// left, however that ends. Where the process is not root, a user namespace gives
// it the right to mount.
//
// The kernel makes the namespace as it starts this program once more, under
// another name; that mounts and then becomes the command (see [Main]).
package overlay

// A File is what a command sees at a path, though it is elsewhere.
type File struct {
	Path    string // absolute
	Content string // the path of the file that it sees there
}
