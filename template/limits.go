package template

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"time"
)

// The limits of an execution, where Options leave them open: far beyond what
// any configuration file needs, so that only a slip of the pen meets them.
const (
	defaultMaxOutput = 256 << 20
	defaultMaxTime   = time.Minute
)

// checkEvery is how many writes may go by before the time is looked at.
const checkEvery = 256

type limits struct {
	output int
	time   time.Duration
}

func (o Options) limits() limits {
	return limits{
		output: cmp.Or(o.MaxOutput, defaultMaxOutput),
		time:   cmp.Or(o.MaxTime, defaultMaxTime),
	}
}

func (l limits) context(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, l.time, fmt.Errorf("it took longer than %v", l.time))
}

// A limitedBuffer takes an output until it is too large or ctx ends.
type limitedBuffer struct {
	ctx    context.Context
	buf    bytes.Buffer
	most   int
	writes int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.buf.Len()+len(p) > b.most {
		return 0, fmt.Errorf("the output is larger than %d bytes", b.most)
	}
	if b.writes++; b.writes%checkEvery == 0 && b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	return b.buf.Write(p)
}
