// Package logging writes the program's log: to standard error, and besides to
// a file that is rotated and to the system log (COMPAT 4.15). What standard
// error gets is up to whoever reads it; the other two can fail as they like,
// with a full disk or a system log that hangs: that loses lines, which
// standard error says once, and never ends or holds up the program.
//
// Two things here have libraries, which do not fit. The names of log files are
// consul-template's, so that what collects and cleans them up goes on working,
// while natefinch/lumberjack and the like have schemes of their own, and no
// rotation by age. And log/syslog sets no deadline on its writes, so that a
// system log that does not read stops its clients; what it sends is kept.
package logging
