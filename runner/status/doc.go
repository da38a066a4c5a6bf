// Package status is what a runner is doing: each bundle, template, query and store,
// since when and why, what the last changes were, and what is wrong.
//
// The commands, the page, the metrics and /v1 are views of such a [Status]; its JSON is
// documented in docs/status.md and stable. Package model makes it.
//
// No value that a store answered is in it: only what was asked, when there was an
// answer, and how large it is.
package status
