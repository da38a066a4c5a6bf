package control

import "path/filepath"

// socketName is the name of the socket in the state directory.
const socketName = "control.sock"

// maxPath is the longest path of a socket that every system takes, in bytes.
const maxPath = 103

// tooLong tells whether the socket of a directory cannot be named by its path.
func tooLong(dir string) bool { return len(filepath.Join(dir, socketName)) > maxPath }
