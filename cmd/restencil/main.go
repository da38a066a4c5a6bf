// Restencil keeps files in step with live data. See the README.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/mattn/go-isatty"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
	"restencil/cmd/restencil/logging"
	"restencil/cmd/restencil/service"
	"restencil/runner/process/overlay"
)

func main() {
	overlay.Main()
	// Nothing that starts a goroutine comes before asInit.
	os.Exit(asInit(run))
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := program{service.Program{
		Name:    "restencil",
		Args:    os.Args[1:],
		Environ: os.Environ(),
		Stdout:  logging.NewWriter(os.Stdout),
		Stderr:  logging.NewWriter(os.Stderr),
		Signals: make(chan os.Signal, 16),
		Build:   build(),
	}}
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") == service.ConsulTemplate {
		p.Name = service.ConsulTemplate
	}
	p.Terminal = p.Name != service.ConsulTemplate && isatty.IsTerminal(os.Stderr.Fd())
	// Like any program, restencil waits for whoever reads its output, but not as a
	// daemon or when it is asked to end.
	waiting, free := context.WithCancel(ctx)
	defer free()
	p.Stdout.Wait(waiting)
	p.FreeStdout = free
	// These are all signals that consul-template handles (COMPAT 4.8). SIGPIPE is
	// among them: without Notify it ends a program that writes to a standard error
	// that nobody reads any more.
	signal.Notify(p.Signals, setting.Signals()...)
	code := p.run(ctx)
	p.Stdout.Close()
	p.Stderr.Close()
	return code
}

// A program is one run of restencil.
type program struct{ service.Program }

// run does what the command line asks for and returns the exit code. SIGINT and
// SIGTERM end ctx.
func (p program) run(ctx context.Context) int {
	if len(p.Args) > 0 && !strings.HasPrefix(p.Args[0], "-") {
		if s := findSubcommand(p.Args[0]); s != nil {
			return p.runSubcommand(ctx, s)
		}
		if p.Name != service.ConsulTemplate {
			return p.Failed(&config.Error{Code: config.ExitFlags, Err: unknownCommand(p.Args[0])})
		}
	}
	cfg, err := p.Parse()
	if err != nil {
		return p.Failed(err)
	}
	idle := len(cfg.Templates) == 0 && !setting.IsCommand(cfg.Exec.Args)
	local, _ := cfg.LookupEnv(setting.LocalConfig)
	switch {
	case cfg.Help:
		err = writeHelp(p.Stdout)
	case cfg.Version:
		_, err = fmt.Fprintln(p.Stdout, p.Version())
	case cfg.PrintConfig:
		err = cfg.Print(p.Stdout)
	case idle && len(cfg.Paths) == 0 && local == "" && p.Name != service.ConsulTemplate:
		err = &config.Error{Code: config.ExitFlags, Err: fmt.Errorf("there is nothing to do: no template and no configuration is given\n\n%s", usage)}
	default:
		return p.Serve(ctx, cfg)
	}
	if err != nil {
		return p.Failed(err)
	}
	return 0
}

// release is the version, commit and date of a release, with commas between them.
// The linker sets it (cmd/restencil/packaging/dist.sh).
var release string

// build returns what the program was built from.
func build() service.Build {
	if parts := strings.Split(release, ","); len(parts) == 3 {
		return service.Build{Version: parts[0], Commit: parts[1], Date: parts[2]}
	}
	b := service.Build{Version: "v0.1.0-dev"}
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			b.Version = v
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Date = s.Value
			}
		}
	}
	return b
}
