package faults

import (
	"testing"
	"time"
)

func freeze(t *testing.T, _ *daemon, _ time.Duration) { t.Skip("processes cannot be stopped here") }
