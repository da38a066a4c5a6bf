// Package stores is the configuration of the stores: Consul, Vault and Nomad.
package stores
