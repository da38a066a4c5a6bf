package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"restencil/watch"
	"restencil/watch/schedule"
)

const (
	maxAnswer  = 64 << 20 // bytes of an answer; Vault itself takes no more than half of that
	maxMessage = 500      // bytes of what is told of an error reply; the rest is some proxy's web page
)

var errTooLong = fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)

// readAnswer makes an HTTP response into what Caller.Call returns.
// None of the secrets stands in an error.
func readAnswer(response *http.Response, secrets []string) (*watch.Secret, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch status := response.StatusCode; {
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case len(body) > maxAnswer:
		return nil, errTooLong
	case status == http.StatusNotFound:
		// What has been deleted is told of in an answer like any other.
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

func parseSecret(body []byte) (*watch.Secret, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	s, err := api.ParseSecret(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the answer is not Vault's: %w", err)
	}
	if s == nil {
		return nil, nil
	}
	secret := &watch.Secret{
		RequestID:     s.RequestID,
		LeaseID:       s.LeaseID,
		LeaseDuration: s.LeaseDuration,
		Renewable:     s.Renewable,
		Data:          s.Data,
		Warnings:      s.Warnings,
	}
	if a := s.Auth; a != nil {
		secret.Auth = &watch.SecretAuth{
			ClientToken:   a.ClientToken,
			Accessor:      a.Accessor,
			Policies:      a.Policies,
			Metadata:      a.Metadata,
			LeaseDuration: a.LeaseDuration,
			Renewable:     a.Renewable,
		}
	}
	if w := s.WrapInfo; w != nil {
		secret.WrapInfo = &watch.SecretWrapInfo{
			Token:           w.Token,
			TTL:             w.TTL,
			CreationTime:    w.CreationTime,
			WrappedAccessor: w.WrappedAccessor,
		}
	}
	return secret, nil
}

// messages returns what an answer that is an error says, each as one line. That
// of a Vault which is asked how it is, and is sealed, has no words for it.
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
		if line := oneLine(Mask(text, secrets)); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// oneLine returns text in one line of bounded length. Several errors in one,
// which Vault writes as a list, are separated by semicolons.
func oneLine(text string) string {
	if head, list, ok := strings.Cut(text, " occurred:\n\t* "); ok && !strings.Contains(head, "\n") {
		text = strings.ReplaceAll(strings.TrimSpace(list), "\n\t* ", "; ")
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
