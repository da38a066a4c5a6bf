// Package apply puts the files of a bundle in place as one transaction: they
// are staged, checked, swapped together, the program that reads them is
// reloaded and verified. Where a step before the swap fails, nothing at the
// destinations has changed, not even an inode; where one after it fails, the old
// files can be put back.
//
// The package decides nothing about when: the runner calls [Apply] with all that
// a change needs, one call a bundle at a time, from a goroutine of the bundle's
// own.
//
// # Checks
//
// First each new file must have its format, then each must pass its own check,
// in order, and then all together the bundle's. The arguments of a check are
// text/template texts; those without "{{" are left alone. Their actions are
//
//	{{ .Staged "NAME" }}  where the file NAME is staged: the path of its
//	                      destination, the last element of that, or the name of
//	                      its template, whichever fits first; it must fit one
//	                      file of the bundle
//	{{ .Staged }}         the staged path of the file that is checked; also
//	                      {{ .File }}
//	{{ .Files }}          the staged paths of all that are checked, a list
//	{{ .StagedRoot }}     the staged tree, see below
//	{{ .Bundle }}         the bundle's name
//
// A file that is right already is "staged" at its destination. Paths are not
// quoted; a shell finds them in the environment, where they need not be:
//
//	RESTENCIL_BUNDLE         the bundle's name
//	RESTENCIL_STAGED         the staged paths of the files that are checked, a line each
//	RESTENCIL_STAGED_MORE    how many that leaves out because there are so many
//	RESTENCIL_STAGED_<NAME>  the staged path of any file of the bundle: the last
//	                         element of its destination in upper case, with _ for
//	                         all that is no letter or digit. Not set where that
//	                         fits two files, or there are more than 100
//	RESTENCIL_STAGED_ROOT    the staged tree, where it was made
//
// # The staged tree
//
// Many a file can be tested only through another one: a virtual host through
// nginx.conf, which includes it. The staged tree is a temporary directory (mode
// 0700) in which the file system is as it will be after the swap: under
// ROOT/etc/nginx/conf.d is each file of /etc/nginx/conf.d, with the staged ones in
// place of the old, and ROOT/etc/nginx/nginx.conf is the real one. It is made once
// a transaction, where an argument holds "StagedRoot" or "STAGED_ROOT" or the
// command is a script (a file that begins with "#!"), and removed after the checks.
//
// In it, a directory that leads to a staged file is a real one, and so are its
// sisters with a symbolic link to a staged file (sites-enabled, beside
// sites-available). A staged file is a hard link; on another file system it is a
// copy with the same mode and, if possible, owner; a secret one is not copied but
// a symbolic link. All else is a symbolic link to the real thing. Temporary files
// beside destinations are left out.
//
// It is no chroot: an absolute path in a configuration leads out of it, to the
// live files. So a configuration that is to be tested by
//
//	nginx -t -c {{ .StagedRoot }}/etc/nginx/nginx.conf
//
// says "include conf.d/*.conf", which nginx takes as relative to nginx.conf, and
// not "include /etc/nginx/conf.d/*.conf". A program that resolves symbolic links
// first (realpath) before it looks for what is included comes out at the live
// files, too, unless the file it begins with is itself a staged one. And one that
// gives up its rights before it reads cannot enter the tree.
package apply
