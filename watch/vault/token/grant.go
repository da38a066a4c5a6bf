package token

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/command"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
)

// A grant is a token and what Vault said of it.
type grant struct {
	token     client.Token
	known     bool          // Vault said how long it lives, and whether it can be renewed
	ttl       time.Duration // zero: it never ends
	renewable bool
}

// tokenIn returns the token that a text holds: the text itself without the
// blanks around it, or what a JSON text of Vault's about a wrapping token says
// is the token.
func tokenIn(text string) client.Token {
	var wrap struct {
		Token string `json:"token"`
	}
	if json.Unmarshal([]byte(text), &wrap) == nil {
		text = wrap.Token
	}
	return client.Token(strings.TrimSpace(text))
}

func unwrapToken(ctx context.Context, c client.Caller, wrapping client.Token) (grant, error) {
	secret, err := unwrap(ctx, c, wrapping)
	switch {
	case err != nil:
		return grant{}, failed("vaultwatcher: vault unwrap", err)
	case secret == nil:
		return grant{}, denied("vaultwatcher: vault unwrap: no secret")
	case secret.Auth == nil:
		return grant{}, denied("vaultwatcher: vault unwrap: no secret auth")
	case secret.Auth.ClientToken == "":
		return grant{}, denied("vaultwatcher: vault unwrap: no token returned")
	}
	return grantOf(secret.Auth), nil
}

// unwrap returns what a wrapping token wraps, which can be had once.
func unwrap(ctx context.Context, c client.Caller, wrapping client.Token) (*watch.Secret, error) {
	secret, err := c.Call(ctx, client.Request{Method: http.MethodPut, Path: "sys/wrapping/unwrap", Token: wrapping})
	if client.Status(err) == http.StatusBadRequest || client.RefusedToken(err) {
		spent := failed("the wrapping token has been used before, or has ended: a new one is needed", err)
		spent.Class = watch.Invalid
		return nil, spent
	}
	return secret, err
}

func grantOf(auth *watch.SecretAuth) grant {
	return grant{
		token:     client.Token(auth.ClientToken),
		known:     true,
		ttl:       lease.Seconds(int64(auth.LeaseDuration)),
		renewable: auth.Renewable,
	}
}

var errSilent = errors.New("the answer says nothing about the token")

func renewSelf(ctx context.Context, c client.Caller, t client.Token) (grant, error) {
	secret, err := c.Call(ctx, client.RenewToken(t))
	switch {
	case err != nil:
		return grant{}, err
	case secret == nil || secret.Auth == nil:
		return grant{}, errSilent
	}
	return grantOf(secret.Auth), nil
}

func lookupSelf(ctx context.Context, c client.Caller, t client.Token) (grant, error) {
	secret, err := c.Call(ctx, client.Request{Method: http.MethodGet, Path: "auth/token/lookup-self", Token: t})
	switch {
	case err != nil:
		return grant{}, err
	case secret == nil:
		return grant{}, errSilent
	}
	ttl, ok := secret.Data["ttl"].(json.Number)
	n, err := ttl.Int64()
	if !ok || err != nil {
		return grant{}, errSilent
	}
	renewable, _ := secret.Data["renewable"].(bool)
	return grant{token: t, known: true, ttl: lease.Seconds(n), renewable: renewable}, nil
}

const (
	commandTimeout = 30 * time.Second // where none is configured
	commandOutput  = 1 << 20          // bytes that a command may print
)

// commandToken runs o.Command and returns the token that it prints: the last
// line that is not blank. No error contains what the command prints.
func commandToken(ctx context.Context, o Options) (grant, error) {
	limit := cmp.Or(o.CommandTimeout, commandTimeout)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	output := &boundedBuffer{left: commandOutput}
	args, err := command.Line(o.Command)
	if err == nil {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env, cmd.Stdout, cmd.WaitDelay = o.CommandEnv, output, time.Second
		err = command.Run(ctx, cmd)
	}
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // it succeeded, but left a process that held its output open
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("it took longer than %s", limit)
	case err == nil:
		text := strings.TrimSpace(output.buffer.String())
		if t := tokenIn(text[strings.LastIndexByte(text, '\n')+1:]); t != "" {
			return grant{token: t}, nil
		}
		err = errors.New("it printed no token")
	}
	// The arguments of the program, and the variables that are set for it, may be
	// secret.
	name := "token_command"
	if words := strings.Fields(o.Command[0]); len(words) > 0 && !strings.Contains(words[0], "=") {
		name += " " + words[0]
	}
	return grant{}, &Error{Text: name, Err: err}
}

// A boundedBuffer takes a number of bytes, and then fails.
type boundedBuffer struct {
	buffer bytes.Buffer
	left   int
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("it printed more than %d MiB", commandOutput>>20)
	}
	return b.buffer.Write(p)
}

// A file is where somebody else keeps the token.
type file struct {
	path   string
	read   func(path string) ([]byte, error)
	unwrap bool         // a wrapped token is kept there
	source watch.Source // tells when the file changes
	taken  client.Token // what stood in it last
}

var errUnchanged = errors.New("the file says the same")

// obtain returns the token that stands in the file. A wrapping token is good for
// one unwrapping, so what was there before is passed over.
func (f *file) obtain(ctx context.Context, c client.Caller) (grant, error) {
	content, err := f.read(f.path)
	text := tokenIn(string(content))
	if err == nil && text == "" {
		err = errors.New("it is empty")
	}
	switch {
	case err != nil:
		return grant{}, failed("there is no token in the file "+f.path, err)
	case text == f.taken:
		return grant{}, errUnchanged
	}
	g := grant{token: text}
	if f.unwrap {
		g, err = unwrapToken(ctx, c, text)
	}
	if err == nil || client.Class(err) != watch.Retry {
		f.taken = text
	}
	return g, err
}

// A fileSink is the watch.Sink of the file: that something has changed is all that
// counts.
type fileSink struct{ m *Manager }

func (s fileSink) Publish(watch.Answer) { s.m.post(func(in *inbox) { in.changed = true }) }

func (s fileSink) Fail(error) { s.m.post(func(in *inbox) { in.changed = true }) }
