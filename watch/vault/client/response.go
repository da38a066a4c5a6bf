package client

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/transport"
)

const maxAnswer = 64 << 20 // bytes of a reply; Vault itself takes no more than half of that

var errTooLong = errors.New("the answer is longer than 64 MiB")

// readAnswer returns the result of Caller.Call for an HTTP response. Errors contain
// none of the secrets.
func readAnswer(response *http.Response, secrets []string) (*watch.Secret, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch status := response.StatusCode; {
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case len(body) > maxAnswer:
		return nil, errTooLong
	case status == http.StatusNotFound:
		// A deleted version has an answer like any other.
		secret, err := parseSecret(body)
		if err == nil && secret != nil && len(secret.Data)+len(secret.Warnings) > 0 {
			return secret, nil
		}
	case status >= 200 && status < 300:
		return parseSecret(body)
	}
	return nil, &ResponseError{
		Status:     response.StatusCode,
		Messages:   messages(body, secrets),
		RetryAfter: schedule.RetryAfter(response.Header, time.Now()),
	}
}

// An answer is a Secret as Vault writes it.
type answer struct {
	RequestID     string         `json:"request_id"`
	LeaseID       string         `json:"lease_id"`
	LeaseDuration int            `json:"lease_duration"`
	Renewable     bool           `json:"renewable"`
	Data          map[string]any `json:"data"`
	Warnings      []string       `json:"warnings"`
	Auth          *struct {
		ClientToken   string            `json:"client_token"`
		Accessor      string            `json:"accessor"`
		Policies      []string          `json:"policies"`
		Metadata      map[string]string `json:"metadata"`
		LeaseDuration int               `json:"lease_duration"`
		Renewable     bool              `json:"renewable"`
	} `json:"auth"`
	WrapInfo *struct {
		Token           string    `json:"token"`
		TTL             int       `json:"ttl"`
		CreationTime    time.Time `json:"creation_time"`
		WrappedAccessor string    `json:"wrapped_accessor"`
	} `json:"wrap_info"`
}

// parseSecret returns the secret in a body, nil if it has only errors. Any other JSON
// object is the data of a secret.
func parseSecret(body []byte) (*watch.Secret, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	var a answer
	if err := decode(body, &a); err != nil {
		return nil, fmt.Errorf("the answer is not Vault's: %w", err)
	}
	if reflect.ValueOf(a).IsZero() {
		if err := decode(body, &a.Data); err != nil {
			return nil, fmt.Errorf("the answer is not Vault's: %w", err)
		}
		errs, failed := a.Data["errors"]
		switch {
		case len(a.Data) == 0:
			a.Data = nil
		case failed && len(a.Data) == 1:
			return nil, nil
		case failed:
			return nil, fmt.Errorf("the answer is not Vault's: %v", errs)
		}
	}
	return &watch.Secret{
		RequestID:     a.RequestID,
		LeaseID:       a.LeaseID,
		LeaseDuration: a.LeaseDuration,
		Renewable:     a.Renewable,
		Data:          a.Data,
		Warnings:      a.Warnings,
		Auth:          (*watch.SecretAuth)(a.Auth),
		WrapInfo:      (*watch.SecretWrapInfo)(a.WrapInfo),
	}, nil
}

// decode decodes the first value of JSON, with numbers as they are.
func decode(body []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return d.Decode(to)
}

// messages returns the messages of an error reply, each as one line. That of a
// health check of a sealed Vault has none, so one is added.
func messages(body []byte, secrets []string) []string {
	var answer struct {
		Errors []string
		Sealed bool
	}
	texts := []string{string(body)}
	if json.Unmarshal(body, &answer) == nil {
		texts = answer.Errors
	}
	if answer.Sealed {
		texts = append(texts, "Vault is sealed")
	}
	var lines []string
	for _, text := range texts {
		// Vault writes several errors as a list.
		if head, list, ok := strings.Cut(text, " occurred:\n\t* "); ok && !strings.Contains(head, "\n") {
			text = strings.ReplaceAll(strings.TrimSpace(list), "\n\t* ", "; ")
		}
		if line := transport.Line(text, secrets...); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// A ResponseError is an error reply of Vault.
type ResponseError struct {
	Status     int
	Messages   []string
	RetryAfter time.Duration // as requested by Vault, or 0
}

func (e *ResponseError) Error() string {
	if len(e.Messages) == 0 {
		return fmt.Sprintf("Vault answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("Vault answered %d: %s", e.Status, strings.Join(e.Messages, "; "))
}

// Says reports whether one of the messages contains text, which is in lower case.
func (e *ResponseError) Says(text string) bool {
	return strings.Contains(strings.ToLower(strings.Join(e.Messages, "\n")), text)
}

// Status returns the status of an error reply, 0 if err is another error.
func Status(err error) int {
	if reply, ok := errors.AsType[*ResponseError](err); ok {
		return reply.Status
	}
	return 0
}

// Class returns the class of err.
func Class(err error) watch.Class { return schedule.ClassOf(Status(err)) }

// RetryAfter returns the delay that Vault requests, 0 if none.
func RetryAfter(err error) time.Duration {
	if reply, ok := errors.AsType[*ResponseError](err); ok {
		return reply.RetryAfter
	}
	return 0
}

// Absent reports whether err is Vault's reply that something does not exist.
func Absent(err error) bool { return Status(err) == http.StatusNotFound }

// Unreachable reports whether err may mean that Vault as a whole does not work, as
// if it is sealed.
func Unreachable(err error) bool {
	switch Status(err) {
	case 0, http.StatusNotImplemented, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Harmless reports whether a request that failed with err certainly issued nothing:
// Vault replied with an error, or was not reached. A gateway's reply says neither.
func Harmless(err error) bool {
	switch Status(err) {
	case 0:
		network, ok := errors.AsType[*net.OpError](err)
		return ok && network.Op == "dial"
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return false
	}
	return true
}

// An UnansweredError is the error of a request without a reply. Vault may have
// handled the request, unless it is [Harmless].
type UnansweredError struct{ Err error }

func (e *UnansweredError) Error() string { return e.Err.Error() }
func (e *UnansweredError) Unwrap() error { return e.Err }

// RefusedToken reports whether err says that Vault does not know the token, rather
// than that the token lacks a right.
func RefusedToken(err error) bool {
	reply, ok := errors.AsType[*ResponseError](err)
	return ok && reply.Status == http.StatusForbidden &&
		(reply.Says("invalid token") || reply.Says("bad token"))
}

// Lost reports whether err says that the lease or token does not exist any more.
func Lost(err error) bool {
	reply, ok := errors.AsType[*ResponseError](err)
	return ok && (RefusedToken(err) ||
		slices.ContainsFunc([]string{"not found", "expired", "revoked", "invalid lease", "bad token"}, reply.Says))
}

// An Error explains the error of a request.
type Error struct {
	Text string // the explanation, or ""
	Err  error
}

func (e *Error) Error() string {
	if e.Text == "" {
		return e.Err.Error()
	}
	return e.Text + " (" + e.Err.Error() + ")"
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// Explain returns err, of a request, with an explanation.
func Explain(r Request, err error) *Error {
	e := &Error{Err: err}
	reply, ok := errors.AsType[*ResponseError](err)
	switch {
	case !ok:
	case r.Token == "" && (reply.Status == http.StatusForbidden || reply.Says("missing client token")):
		e.Text = fmt.Sprintf("there is no token to %s %s with: "+
			"set %s, or configure a token file or a login", r.action(), r.Path, cmp.Or(r.Store, watch.Vault).Setting("token", "VAULT_TOKEN"))
	case RefusedToken(reply):
		e.Text = "Vault does not know the token: it has expired, was revoked, or belongs to another server"
	case reply.Status == http.StatusForbidden:
		e.Text = fmt.Sprintf("the token may not %s %s: its policies must grant %s on that path", r.action(), r.Path, r.capability())
		// Vault reports a missing engine only to a token with rights there.
		if path, ok := strings.CutPrefix(r.Path, MountLookup); ok {
			e.Text = "no secrets engine is mounted for " + path + ", or the token has no policy for any path in it"
		} else if r.Mount == "" && !strings.HasPrefix(r.Path, "sys/") && !strings.HasPrefix(r.Path, "auth/") {
			e.Text = fmt.Sprintf("the token may not %s %s: no secrets engine is mounted there, or the token's policies do not grant %s on that path",
				r.action(), r.Path, r.capability())
		}
	case reply.Status == http.StatusNotFound && reply.Says("no handler for route"):
		e.Text = "no secrets engine is mounted for " + r.Path
	case reply.Status == http.StatusNotFound:
		e.Text = "no secret exists at " + r.Path
	case reply.Says("vault is sealed"):
		e.Text = "Vault is sealed, and answers nothing until it is unsealed"
	case reply.Says("not initialized"):
		e.Text = "Vault is not initialized"
	}
	return e
}
