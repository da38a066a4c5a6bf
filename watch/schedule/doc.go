// Package schedule decides when things are done, for all stores and the loop that
// uses their answers. It is pure: it starts no goroutine, reads no clock and does
// not wait. Callers pass the time in.
//
// [Timers] is a timer heap, [Backoff] the delays between attempts, [Breaker] a
// circuit breaker. [RetryAfter] and [ClassOf] interpret an error reply, and
// [Wakeup] wakes a goroutine, which takes what others leave for it from an [Inbox].
package schedule
