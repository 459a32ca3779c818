package native

import (
	"context"
	"time"

	"graft/serving"
)

// job is one request inside the engine: a prompt and the answers to it. Until
// it is closed it belongs to the engine's goroutine, out excepted.
type job struct {
	ctx     context.Context // of the caller that waits; a job lives no longer
	out     *mailbox
	prompt  []int32
	text    string // of the prompt, for Echo
	answers []*answer

	lease func() // lets go of the adapters; nil: none, or it has

	promptTop int                    // alternatives wanted for prompt tokens; -1: no log-probabilities
	scores    []serving.TokenLogprob // of prompt tokens, in order, from the second on

	submitted time.Time
	queued    time.Duration // until its first step
	first     time.Duration // until its first token
	begun     bool          // it was in a step
	open      int           // answers that go on
}

// answer is one of the answers of a job: what the engine keeps beside the
// scheduler's sequence.
type answer struct {
	job     *job
	index   int
	seq     sequence
	sampler *sampler
	drafter drafter
	stream  *stream
	sampled []serving.TokenLogprob // of the current pass
	logprob float64                // sum over its tokens, when sampler.scored
	last    time.Time              // of the latest token
}

// close ends the job, with an error or without. The engine calls it.
func (j *job) close(err error) {
	if j.lease != nil {
		j.lease()
		j.lease = nil
	}
	j.out.close(err)
}

// usage counts the job's tokens, when it is closed.
func (j *job) usage() serving.Usage {
	u := serving.Usage{Prompt: len(j.prompt), Cached: j.answers[0].seq.cached}
	for _, a := range j.answers {
		u.Accepted += a.drafter.accepted
		u.Rejected += a.drafter.missed
		u.Completion += a.stream.generated
		u.Reasoning += a.stream.reasoning
	}
	return u
}
