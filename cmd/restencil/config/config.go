package config

import (
	"io/fs"
	"os"
	"time"

	"restencil/watch/transport"
)

// A Config is everything that flags, files and the environment say, after all
// of them were laid one over the other. Its fields are plain values: what
// nobody set holds the default. [Config.Origin] tells whether and where a
// setting was written.
type Config struct {
	// Action is what the command line asks for.
	Action Action

	// Paths are the configuration files and directories, in order.
	Paths []string

	Once      bool // render everything once and end
	Dry       bool // print instead of writing
	ParseOnly bool // parse the templates and end

	LogLevel       string // upper case: TRACE, DEBUG, INFO, WARN or ERR
	LogFormat      string // lower case: text or json
	LogFile        LogFile
	Syslog         Syslog
	MaxStale       time.Duration // 0: reads are not stale
	BlockQueryWait time.Duration
	Wait           Wait
	PidFile        string
	WatchConfig    bool      // read files again when they change on disk
	KillSignal     os.Signal // SignalNone: no signal ends the process
	ReloadSignal   os.Signal // SignalNone: no signal reloads

	// TemplateErrorFatal is the default of the templates' error_fatal.
	TemplateErrorFatal bool
	ErrOnFailedLookup  bool

	// SecretPerms is the mode of files that hold secrets, where their template
	// says none; 0: that of any file.
	SecretPerms fs.FileMode

	// PassTokens is whether commands and the child get the variables that
	// hold the stores' tokens.
	PassTokens bool

	Delimiters  Delimiters
	Deduplicate Deduplicate
	Exec        Exec
	Consul      Consul
	Vault       Vault
	Nomad       Nomad
	Local       Local

	// Bundles are the named bundles, in the order in which they were written.
	Bundles []Bundle

	StateDir       string        // where is remembered what was applied; "": found, StateNone: nowhere
	History        int           // generations of each bundle that are kept
	HistorySecrets bool          // with files that hold secrets
	Reconcile      time.Duration // how often the destinations are looked at; 0: never
	OnStoreDown    time.Duration // how long a store may be away until the process ends; 0: for ever
	Cache          bool          // answers are kept on disk
	ExitOnFailure  bool          // a command that fails ends the process

	// Templates are in the order in which they are rendered and their
	// commands run: files first, then CT_LOCAL_CONFIG, then flags.
	Templates []Template

	// Warnings tell what is accepted but doubtful or deprecated.
	Warnings []Diagnostic

	origins map[string]Origin // by key, for what was written
	environ environment
}

// An Action is what the command line asks for.
type Action int

const (
	Run         Action = iota // render templates
	ShowHelp                  // print Help; the rest of the Config is empty
	ShowVersion               // print the version
	ShowConfig                // print the Config
)

// Origin returns where the setting of a key, such as "consul.retry.attempts",
// was written; ok is false where it was left at its default.
func (c *Config) Origin(key string) (o Origin, ok bool) {
	o, ok = c.origins[key]
	return o, ok
}

func (c *Config) isSet(key string) bool {
	_, ok := c.origins[key]
	return ok
}

// A LogFile is a log that is kept besides standard error.
type LogFile struct {
	Path           string        // "" for none
	RotateBytes    int           // 0: size does not matter
	RotateDuration time.Duration // how long one file is used
	RotateMaxFiles int           // archives kept; 0: all, -1: none
}

// Syslog is the system log as a place for the log.
type Syslog struct {
	Enabled  bool
	Facility string
	Name     string
}

// A Wait is a quiescence: a change waits until there has been no other for
// Min, but no longer than Max after the first.
type Wait struct {
	Enabled  bool
	Min, Max time.Duration
}

// Delimiters are what templates begin and end their actions with; "" for
// {{ and }}.
type Delimiters struct {
	Left, Right string
}

// Deduplicate is de-duplication mode.
type Deduplicate struct {
	Enabled        bool
	Prefix         string
	TTL            time.Duration
	MaxStale       time.Duration
	BlockQueryWait time.Duration
}

// An Exec is a command, the supervised child's or a template's.
type Exec struct {
	Command      []string // one element of several words goes to the shell; empty: none
	Enabled      bool
	Timeout      time.Duration // of a template's command; 0: it is started and left alone
	KillSignal   os.Signal
	KillTimeout  time.Duration
	ReloadSignal os.Signal // nil: the child is restarted; SignalNone: nothing is done
	Splay        time.Duration
	Restart      string // of the child when it ends by itself: never, on-failure or always
	Env          Env
}

// An Env says which variables a command gets (COMPAT 4.6.2).
type Env struct {
	Pristine  bool     // nothing is inherited
	Custom    []string // K=V, added to the rest
	Allowlist []string // patterns of names that are inherited; empty: all
	Denylist  []string // patterns of names that are not inherited
}

// Consul says how to reach Consul.
type Consul struct {
	Address   string // host:port, http://…, https://… or unix://…; "" for the client's default
	Namespace string
	Token     string
	TokenFile string
	Auth      Auth
	Retry     Retry
	SSL       SSL
	Transport Transport

	MaxConnections int
}

// Nomad says how to reach Nomad.
type Nomad struct {
	Address      string
	Enabled      bool
	Namespace    string
	Token        string
	AuthUsername string
	AuthPassword string
	Retry        Retry
	SSL          SSL
	Transport    Transport
}

// Local is the data file that stands in for a store.
type Local struct {
	Path string // YAML, JSON or HCL; "" for none
}

// Auth is HTTP basic authentication.
type Auth struct {
	Enabled            bool
	Username, Password string
}

// A Retry says how a store that fails is tried again.
type Retry struct {
	Enabled    bool
	Attempts   int           // 0: without end
	Backoff    time.Duration // before the second attempt; doubled each time
	MaxBackoff time.Duration // 0: without limit
}

// SSL is how a connection is secured.
type SSL struct {
	Enabled     bool
	Verify      bool
	Cert        string
	Key         string
	CACert      string
	CACertBytes string
	CAPath      string
	ServerName  string
}

// A Transport is how connections are made and kept.
type Transport = transport.Options

// A Template is a template, where its output goes, and what is run then.
type Template struct {
	// At is where the template was written.
	At Origin

	Source   string // the template file, or
	Contents string // the template itself

	Destination    string // "" is for dry runs alone
	CreateDestDirs bool
	Perms          fs.FileMode // 0: those of the file that is there, else 0644
	DirPerms       fs.FileMode // of directories that are made; 0: 0755 less the umask
	User, Group    string      // names or decimal ids; "": the owner that is there
	UID, GID       int         // deprecated, and used where User and Group are not written
	Backup         bool

	Command        []string // deprecated spelling of Exec.Command
	CommandTimeout time.Duration
	Exec           Exec // after loading it holds the effective command and timeout
	Wait           Wait

	ErrorFatal        bool
	ErrorOnMissingKey bool
	LeftDelimiter     string
	RightDelimiter    string
	FunctionDenylist  []string
	SandboxPath       string

	// Bundle is the named bundle that it belongs to. Without one, a template
	// that has some of the rest is a bundle by itself.
	Bundle        string
	Format        string // what its content must be; "": anything
	Check         []string
	CheckTimeout  time.Duration
	Verify        []Verify
	Guard         Guard
	Rollback      bool
	ExitOnFailure bool

	origins map[string]Origin
}

// Origin is like Config.Origin, for a key of the template.
func (t *Template) Origin(key string) (o Origin, ok bool) {
	o, ok = t.origins[key]
	return o, ok
}

func (t *Template) isSet(key string) bool {
	_, ok := t.origins[key]
	return ok
}
