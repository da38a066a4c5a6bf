package dependency

// A KeyPair is one key of Consul's key-value store. Field names and order are
// part of the template language (COMPAT 3.4.1).
type KeyPair struct {
	Path  string // the full key
	Key   string // Path without the prefix that was asked for and the slashes that follow it
	Value string

	CreateIndex uint64
	ModifyIndex uint64
	LockIndex   uint64
	Flags       uint64
	Session     string
}
