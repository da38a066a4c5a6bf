package process

import "context"

// A System runs programs. An [Executor] is one.
type System interface {
	// Run runs a command to its end, see Executor.Run.
	Run(context.Context, Command) (output string, err error)

	// Spawn starts a child, see Executor.Spawn.
	Spawn(args, env []string) (Process, error)

	// CanOverlay says why commands cannot have an Overlay, nil: they can.
	CanOverlay() error
}
