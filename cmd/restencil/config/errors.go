package config

// The exit statuses of COMPAT 1.2 that a configuration can cause.
const (
	ExitFlags  = 13 // a flag or CT_LOCAL_CONFIG is wrong
	ExitRunner = 14 // what is configured cannot be done
	ExitConfig = 15 // a configuration file or the log level is wrong
)

// An Error says that what was asked for cannot be done, and with which status
// the process ends for it.
type Error struct {
	Code int
	Err  error
}

// Error returns the text of Err.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// ExitCode returns the status with which the process is to end.
func (e *Error) ExitCode() int { return e.Code }

// failed makes an Error of err, nil of nil.
func failed(code int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: code, Err: err}
}
