// Package transaction puts files in place: each change of several files all or
// none. They are staged, checked and swapped; and what was there before can be
// put back. Where a step before the swap fails, nothing at the destinations has
// changed, not even an inode.
//
// The package decides nothing about when and why, and remembers nothing: that is
// package bundle's.
//
// # Checks
//
// First each new file must have its format, then each must pass its own check,
// in order, and then all together the change's. On Linux a check sees the new
// files in their places, by whatever path leads there, while all others see the
// old ones (process.Command.Overlay): "nginx -t" tests the nginx.conf that nginx uses. Where
// the system does not allow that, the files are swapped first, then checked, and
// put back at once if a check fails. A check may also say where it wants the name
// of a staged file. Its arguments are text/template texts; those without "{{" are
// left alone. Their actions are
//
//	{{ .Staged "NAME" }}  where the file NAME is staged: the path of its
//	                      destination, the last element of that, or the name of
//	                      its template, whichever fits first; it must fit one
//	                      file of the change
//	{{ .Staged }}         the staged path of the file that is checked; also
//	                      {{ .File }}
//	{{ .Files }}          the staged paths of all that are checked, a list
//	{{ .Bundle }}         the bundle's name
//
// A file that is right already is "staged" at its destination. Paths are not
// quoted; a shell finds them in the environment, where they need not be:
//
//	RESTENCIL_BUNDLE         the bundle's name
//	RESTENCIL_STAGED         the staged paths of the files that are checked, a line each
//	RESTENCIL_STAGED_MORE    how many that leaves out because there are so many
//	RESTENCIL_STAGED_<NAME>  the staged path of any file of the change: the last
//	                         element of its destination in upper case, with _ for
//	                         all that is no letter or digit. Not set where that
//	                         fits two files, or there are more than 100
package transaction
