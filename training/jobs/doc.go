// Package jobs is the queue of fine-tuning: jobs that are checked, wait, train one at
// a time and publish what they made.
//
//	validating_files ──> queued ──> running ──> succeeded
//	                       │  ^        │
//	                       v  │        v
//	                     paused <──────┤
//	  (any that has not ended) ────────┴──> failed, cancelled
//
// Everything that a client sees is in the store before it is answered; where a training
// stands is in a file. A process that is killed at any moment goes on, when it is
// started again, from the last such file, and ends with the same bits: events,
// checkpoints and published adapters have keys of their own, so what is done a second
// time is there once.
package jobs
