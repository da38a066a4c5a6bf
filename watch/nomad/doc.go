// Package nomad is the source of queries to HashiCorp Nomad: services and variables.
//
// Nomad has the blocking queries of Consul, so its source is that of package
// watch/consul, with other requests. This package builds them and decodes the replies.
//
// It does not use Nomad's library: four kinds of request take fewer lines than fitting
// that to the requester, which sees each reply's status, headers and size.
package nomad
