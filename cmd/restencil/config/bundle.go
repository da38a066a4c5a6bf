package config

import "time"

// StateNone is the state directory that is none.
const StateNone = "none"

// A Bundle is a named bundle: the files of its templates change together or
// not at all.
type Bundle struct {
	// At is where the bundle was written.
	At Origin

	Name string

	Check          []string // is run on the staged files
	CheckTimeout   time.Duration
	Command        []string // other spellings of Exec.Command
	Reload         []string
	CommandTimeout time.Duration
	Exec           Exec // after loading it holds the effective command and timeout
	Verify         []Verify
	Wait           Wait
	Guard          Guard
	Rollback       bool
	Retry          BundleRetry
	ExitOnFailure  bool
	MinInterval    time.Duration

	origins map[string]Origin
}

// Origin is like Config.Origin, for a key of the bundle.
func (b *Bundle) Origin(key string) (o Origin, ok bool) {
	o, ok = b.origins[key]
	return o, ok
}

func (b *Bundle) isSet(key string) bool {
	_, ok := b.origins[key]
	return ok
}

// A BundleRetry spaces the attempts at a change that failed; 0 for the
// runner's own.
type BundleRetry struct {
	Backoff    time.Duration // before the second attempt; doubled each time
	MaxBackoff time.Duration
}

// A Verify is what must hold after a reload: one of Command, HTTP and TCP.
type Verify struct {
	// At is where it was written.
	At Origin

	Command []string
	HTTP    string // a URL
	TCP     string // host:port

	Host       string // for HTTP: the Host header; "": the URL's
	Status     int    // for HTTP: what it must be answered with; 0: any below 400
	SkipVerify bool   // for HTTP: the server's certificate does not matter

	For      time.Duration // how long it must hold
	Within   time.Duration // how long it may take until it holds
	Interval time.Duration // between tries
	Timeout  time.Duration // of one try

	origins map[string]Origin
}

// A Guard holds back a change that nobody can have meant. The zero Guard lets
// all pass.
type Guard struct {
	NotEmpty     bool
	MinBytes     int
	MaxShrink    float64 // from 0 to 1; 0: any
	MinInstances map[string]int
}
