//go:build !linux

package systemd

import "time"

// monotonic returns 0: systemd is on Linux alone.
func monotonic() time.Duration { return 0 }
