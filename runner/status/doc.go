// Package status is what people and machines see of a runner. All of it is
// made from the runner's events: no other part counts or formats.
package status
