//go:build !unix

package logging

import "errors"

func dialSocket(string) (deadlineWriter, error) {
	return nil, errors.New("there is no system log on this platform")
}
