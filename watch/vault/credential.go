package vault

import (
	"fmt"
	"time"
)

// A token is what a request bears. It shows as ***.
type token string

// Format implements fmt.Formatter for all verbs.
func (token) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// Format implements fmt.Formatter for all verbs: what a Token holds is not shown.
func (Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// Format implements fmt.Formatter for all verbs: what a Login holds is not shown.
func (Login) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// A credential is the token at one time, as the session has it.
type credential struct {
	token      token     // "": requests bear none
	generation int       // 1 and up; another token has another
	ends       time.Time // of the token, as far as known; zero: not known, or never
}

// A holder has the credential. The session is one, and tests have others. Its
// methods are for any goroutine and return at once.
type holder interface {
	// current returns the newest credential. Where there is none yet, or none
	// any more, the error says why; then requests are not to be made. While the
	// first attempt is under way it is errPending: nothing has failed yet.
	current() (credential, error)

	// changed receives when current says something else than before. It has
	// room for one wake-up.
	changed() <-chan struct{}

	// refused tells that Vault does not know the token of this credential (any
	// more). That one that is not the newest was refused is no news.
	refused(c credential)
}
