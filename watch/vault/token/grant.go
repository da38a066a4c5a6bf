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
	"restencil/watch/filewatch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
)

// A grant is a token and its terms.
type grant struct {
	token     client.Token
	known     bool          // ttl and renewable are known
	ttl       time.Duration // zero if it never ends
	renewable bool
}

// tokenIn returns the token in a text: the text without surrounding white space, or
// the token in Vault's JSON for a wrapping token.
func tokenIn(text string) client.Token {
	var wrap struct {
		Token string `json:"token"`
	}
	if json.Unmarshal([]byte(text), &wrap) == nil {
		text = wrap.Token
	}
	return client.Token(strings.TrimSpace(text))
}

// unwrapToken returns the token that a wrapping token wraps.
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

// unwrap returns what a wrapping token wraps. That works once.
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

// renewSelf renews a token.
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

// lookupSelf returns the terms of a token.
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

// commandToken runs o.Command and returns the token that it prints, in the last
// line that is not blank. No error contains the output.
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
	// Arguments, and variables set before the program, may be secret.
	name := "token_command"
	if words := strings.Fields(o.Command[0]); len(words) > 0 && !strings.Contains(words[0], "=") {
		name += " " + words[0]
	}
	return grant{}, &Error{Text: name, Err: err}
}

// A boundedBuffer is a buffer for a limited number of bytes.
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

// A file contains the token.
type file struct {
	path   string
	read   func(path string) ([]byte, error)
	follow func(ctx context.Context, path string, changed func())
	unwrap bool         // it contains a wrapping token
	last   client.Token // its last content
}

// follow calls changed at once, and when the file at path may have changed, until ctx ends.
func follow(ctx context.Context, path string, changed func()) {
	w := filewatch.New(filewatch.Options{})
	w.Add(path)
	w.Run(ctx, func([]string, []string) []string {
		changed()
		return nil
	})
}

var errUnchanged = errors.New("the file is unchanged")

// obtain returns the token in the file, or errUnchanged: a wrapping token can be
// unwrapped once.
func (f *file) obtain(ctx context.Context, c client.Caller) (grant, error) {
	content, err := f.read(f.path)
	text := tokenIn(string(content))
	if err == nil && text == "" {
		err = errors.New("it is empty")
	}
	switch {
	case err != nil:
		return grant{}, failed("there is no token in the file "+f.path, err)
	case text == f.last:
		return grant{}, errUnchanged
	}
	g := grant{token: text}
	if f.unwrap {
		g, err = unwrapToken(ctx, c, text)
	}
	if err == nil || client.Class(err) != watch.Retry {
		f.last = text
	}
	return g, err
}
