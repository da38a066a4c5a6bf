//go:build !unix

package dirlock

// trusted returns nil: whose a directory is is not looked at.
func trusted(string) error { return nil }
