// Package logging writes the program's log: to standard error, and besides to
// a file that is rotated and to the system log (COMPAT 4.15). All can fail as
// they like, with a full disk, a system log that hangs, or a standard error that
// nobody reads: that loses lines, which standard error says, and never ends or
// holds up the program (see [Writer] and fallible).
//
// Two things here have libraries, which do not fit. The names of log files are
// consul-template's, so that what collects and cleans them up goes on working,
// while natefinch/lumberjack and the like have schemes of their own, and no
// rotation by age. And log/syslog sets no deadline on its writes, so that a
// system log that does not read stops its clients; what it sends is kept.
package logging
