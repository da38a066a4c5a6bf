// Package schedule decides when things are done, for all stores and the loop that
// uses their answers. It starts no goroutine and does not wait; what decides is pure:
// callers pass the time in.
//
// [Timers] is a timer heap, [At] a channel to wait for a time, [Backoff] the delays between attempts, [Breaker] a
// circuit breaker. [RetryAfter] and [ClassOf] interpret an error reply, and
// [Wakeup] wakes a goroutine, which takes what others leave for it from an [Inbox].
package schedule
