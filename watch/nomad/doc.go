// Package nomad is the source of queries to HashiCorp Nomad: services and variables.
//
// Nomad has the blocking queries of Consul, so each query has a requester of package
// watch/blocking/requester, which decides which replies to believe, and when to ask again
// after a failure. This package builds the requests and decodes the replies.
//
// It does not use Nomad's library: four kinds of request take fewer lines than fitting
// that to the requester, which sees each reply's status, headers and size.
package nomad
