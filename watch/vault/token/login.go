package token

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"restencil/watch"
	"restencil/watch/filewatch"
	"restencil/watch/vault/client"
)

// A login obtains tokens by a Login, one at a time.
type login struct {
	o      Login
	caller client.Caller

	wrapping client.Token // the last wrapping token of a secret_id
	secretID string       // what it wrapped
}

// mount returns the path of the method's mount below auth/. The option may include
// that, as in Vault's own commands.
func (l *login) mount() string {
	return strings.TrimPrefix(strings.Trim(cmp.Or(l.o.Mount, string(l.o.Method)), "/"), "auth/")
}

// String describes the login for messages.
func (l *login) String() string {
	text := fmt.Sprintf("the %s login at auth/%s", l.o.Method, l.mount())
	if l.o.Role != "" {
		text += " as role " + l.o.Role
	}
	return text
}

func (l *login) token(ctx context.Context) (grant, error) {
	body, secrets, err := l.body(ctx)
	if err != nil {
		return grant{}, failed(l.String(), err)
	}
	r := client.Request{Method: http.MethodPut, Path: "auth/" + l.mount() + "/login", Body: body, Hide: secrets}
	secret, err := l.caller.Call(ctx, r)
	switch {
	case err != nil:
		return grant{}, failed(l.String()+" failed"+l.advice(err), err)
	case secret == nil || secret.Auth == nil || secret.Auth.ClientToken == "":
		return grant{}, denied("%s gave no token", l)
	}
	return grantOf(secret.Auth), nil
}

// body returns the body of the request, and the secrets in it.
func (l *login) body(ctx context.Context) (body map[string]string, secrets []string, err error) {
	switch l.o.Method {
	case AppRole:
		role, err := textOrFile("the role_id", l.o.RoleID, l.o.RoleIDFile)
		if err != nil {
			return nil, nil, err
		}
		body = map[string]string{"role_id": role}
		if l.o.SecretID == "" && l.o.SecretIDFile == "" {
			return body, nil, nil
		}
		secret, err := textOrFile("the secret_id", l.o.SecretID, l.o.SecretIDFile)
		if err == nil && l.o.SecretIDWrapped {
			secret, err = l.unwrapSecretID(ctx, tokenIn(secret))
		}
		body["secret_id"] = secret
		return body, []string{secret}, err
	case Cert:
		body = make(map[string]string)
		if l.o.Role != "" {
			body["name"] = l.o.Role
		}
		return body, nil, nil
	}
	jwt, err := textOrFile("the JWT", l.o.JWT, l.o.JWTFile)
	body = map[string]string{"jwt": jwt}
	if l.o.Role != "" {
		body["role"] = l.o.Role
	}
	return body, []string{jwt}, err
}

// unwrapSecretID returns the secret_id that a wrapping token wraps. Unwrapping works
// once, so it keeps the secret_id until there is another wrapping token.
func (l *login) unwrapSecretID(ctx context.Context, wrapping client.Token) (string, error) {
	if wrapping == l.wrapping && l.secretID != "" {
		return l.secretID, nil
	}
	secret, err := unwrap(ctx, l.caller, wrapping)
	if err != nil {
		return "", failed("unwrapping the secret_id", err)
	}
	if secret != nil {
		if id, _ := secret.Data["secret_id"].(string); id != "" {
			l.wrapping, l.secretID = wrapping, id
			return id, nil
		}
	}
	return "", denied("unwrapping the secret_id: there is none in what was wrapped")
}

// textOrFile returns text, or if that is empty, the content of the file.
func textOrFile(what, text, file string) (string, error) {
	if text != "" {
		return strings.TrimSpace(text), nil
	}
	content, err := filewatch.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", what, err)
	}
	if text = strings.TrimSpace(string(content)); text == "" {
		return "", fmt.Errorf("reading %s: the file %s is empty", what, file)
	}
	return text, nil
}

// advice returns what to do about a denied login, "" for other errors.
func (l *login) advice(err error) string {
	switch {
	case client.Class(err) == watch.Retry:
		return ""
	case client.Absent(err):
		return " (no auth method is mounted there)"
	case l.o.Method == Kubernetes:
		return " (the role must exist there, and be bound to the service account and namespace)"
	case l.o.Method == AppRole:
		return " (the role_id or secret_id is wrong, has ended or was used up)"
	case l.o.Method == JWT:
		return " (the role must exist there and accept the JWT, which may have ended)"
	default:
		return " (a role must exist there that trusts the client's certificate, which needs TLS and a cert)"
	}
}
