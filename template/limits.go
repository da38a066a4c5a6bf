package template

import (
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
	cause  error // of the end of an execution that takes longer
}

func (o Options) limits() limits {
	l := limits{
		output: cmp.Or(o.MaxOutput, defaultMaxOutput),
		time:   cmp.Or(o.MaxTime, defaultMaxTime),
	}
	l.cause = fmt.Errorf("it took longer than %v", l.time)
	return l
}

func (l limits) context(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, l.time, l.cause)
}

// A limitedBuffer takes an output until it is too large or ctx ends.
type limitedBuffer struct {
	ctx    context.Context
	data   []byte
	most   int
	writes int
}

// Write implements io.Writer.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	if err := b.take(len(p)); err != nil {
		return 0, err
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (b *limitedBuffer) WriteString(s string) (int, error) {
	if err := b.take(len(s)); err != nil {
		return 0, err
	}
	b.data = append(b.data, s...)
	return len(s), nil
}

// take tells why n more bytes cannot be taken.
func (b *limitedBuffer) take(n int) error {
	if len(b.data)+n > b.most {
		return fmt.Errorf("the output is larger than %d bytes", b.most)
	}
	if b.writes++; b.writes%checkEvery == 0 && b.ctx.Err() != nil {
		return context.Cause(b.ctx)
	}
	return nil
}
