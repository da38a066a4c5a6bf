package watch

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestTaintedIsNotShown prints a secret in every way that a program prints
// things, by itself and within others.
func TestTaintedIsNotShown(t *testing.T) {
	const canary = "hunter2"
	secret := Taint(&Secret{Data: map[string]any{"password": canary}})
	answer := Answer{Data: secret, Last: secret}
	holders := []any{secret, &secret, answer, &answer, State{Answer: answer}, []any{secret}, map[string]any{"a": secret},
		Update{State: &State{Answer: answer}}, struct{ hidden any }{secret}, struct{ hidden *Answer }{&answer}}
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	jsonLogger := slog.New(slog.NewJSONHandler(&log, nil))
	for _, h := range holders {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p"} {
			if text := fmt.Sprintf(verb, h); strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of a %T shows the secret: %s", verb, h, text)
			}
		}
		text, err := json.Marshal(h)
		if err != nil || strings.Contains(string(text), canary) {
			t.Errorf("JSON of a %T: %s, %v", h, text, err)
		}
		logger.Info("m", "k", h)
		jsonLogger.Info("m", "k", h)
	}
	if strings.Contains(log.String(), canary) {
		t.Errorf("a log shows the secret:\n%s", &log)
	}
	if text := fmt.Sprint(secret); text != "***" {
		t.Errorf("it shows as %q", text)
	}
	if got := Reveal(secret).(*Secret).Data["password"]; got != canary {
		t.Errorf("it holds %v", got)
	}
}

func TestTaintNothing(t *testing.T) {
	if Taint(nil) != nil || Reveal(nil) != nil || Reveal(Tainted{}) == nil || Reveal(1) != 1 {
		t.Error("nothing, or what is not tainted, does not stay as it is")
	}
	if once := Taint("s"); Reveal(Taint(once)) != "s" {
		t.Error("what is tainted twice is not revealed")
	}
}

// TestTaintedAnswers: a Watcher tells tainted answers apart by what they hold,
// though not by the number of the request.
func TestTaintedAnswers(t *testing.T) {
	w := New(nil)
	q := Query{Kind: VaultRead, Name: "a"}
	w.Watch(q.ID())
	w.Take()
	e := w.entries[q.ID()]
	publish := func(s *Secret, want int) {
		t.Helper()
		e.Publish(Answer{Data: Taint(s)})
		if e.state.Version != want {
			t.Errorf("version %d after %+v, want %d", e.state.Version, s, want)
		}
	}
	publish(&Secret{RequestID: "1", Data: map[string]any{"a": "x"}}, 1)
	publish(&Secret{RequestID: "2", Data: map[string]any{"a": "x"}}, 1)
	publish(&Secret{RequestID: "2", Data: map[string]any{"a": "y"}}, 2)
	publish(&Secret{RequestID: "2", LeaseID: "l", Data: map[string]any{"a": "y"}}, 3)
	publish(nil, 4)
	publish(nil, 4)
	if !isNil(e.state.Answer.Data) || isNil(e.state.Answer.Last) {
		t.Errorf("nothing after something is %+v", e.state.Answer)
	}
}
