package config

import (
	"fmt"
	"strings"
	"time"

	"restencil/cmd/restencil/config/hcl1"
	"restencil/cmd/restencil/config/setting"
)

// StateNone is the State.Dir for no state directory.
const StateNone = "none"

// State is what is kept of changes, and what happens when they fail.
type State struct {
	Dir            string        // state directory; "": the default, StateNone: none
	History        int           // number of generations to keep of each bundle
	HistorySecrets bool          // keep files that hold secrets, too
	Reconcile      time.Duration // interval of checking the destinations; 0: never
	OnStoreDown    time.Duration // how long a store may be away before the process exits; 0: no limit
	Cache          bool          // keep answers on disk
	ExitOnFailure  bool          // exit when a command fails
}

func (s *State) settings() []setting.Setting {
	return setting.In("Changes as a whole", []setting.Setting{
		{Key: "state_dir", Flag: "state-dir", Arg: "<path>", To: &s.Dir,
			Help: "Where to remember what was applied; none for nowhere. Without it, restencil's directory among those where the system keeps the state of programs."},
		{Key: "history", Flag: "history", To: setting.AtLeast(0, &s.History), Default: "5",
			Help: "How many generations of a bundle's files to keep."},
		{Key: "history_secrets", Flag: "history-secrets", To: &s.HistorySecrets,
			Help: "Keep files with secrets in that history, too."},
		{Key: "reconcile", Flag: "reconcile", To: setting.AtLeast(0, &s.Reconcile),
			Help: "Look this often whether somebody else has changed or removed a file, and put it right; 0 for never."},
		{Key: "exit_on_failure", Flag: "exit-on-failure", To: &s.ExitOnFailure,
			Help: "End with exit code 14 when a command fails, instead of trying again. Bundles and templates may say otherwise."},
		{Key: "on_store_down", Flag: "on-store-down", To: storeDown(&s.OnStoreDown),
			Help: `What to do while a store is away: "stay" with the last good files, or "exit after" a time such as 10m.`},
		{Key: "cache", Flag: "cache", To: &s.Cache,
			Help: "Keep the last answers of Consul on disk, to render from them after a restart while it is away."},
	}...)
}

// storeDown is the value of on_store_down: "stay" for 0, or "exit after" a time.
func storeDown(to *time.Duration) setting.Value {
	const want, after = `"stay" or "exit after" and a time, such as "exit after 10m"`, "exit after "
	parse := func(text string) error {
		words := strings.Join(strings.Fields(text), " ")
		if words == "stay" {
			*to = 0
			return nil
		}
		length, ok := strings.CutPrefix(words, after)
		d, err := time.ParseDuration(length)
		if !ok || err != nil || d <= 0 {
			return fmt.Errorf("expected %s, found %q", want, text)
		}
		*to = d
		return nil
	}
	return setting.Text("<what>", want, parse, func() string {
		if *to == 0 {
			return hcl1.Quote("stay")
		}
		return hcl1.Quote(after + setting.ShortDuration(*to))
	})
}
