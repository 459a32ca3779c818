package native

import (
	"time"

	"graft/internal/model"
)

// sequence is one answer being computed, as the scheduler sees it: counters,
// and the blocks it holds. How far it is is told by computed alone: below
// len(ids)-1 it is in its prompt (prefill), at len(ids)-1 the next step gives it
// one more token (decode).
type sequence struct {
	name   string // for scenario files
	client string // whose turn it takes
	owner  string // whose tokens it has
	key    string // what its keys and values depend on besides the tokens

	adapters []model.Weighted // nil: the base alone

	ids      []int32 // prompt, then the tokens sampled so far
	prompt   int     // tokens of the prompt
	limit    int     // len(ids) never gets above
	computed int     // tokens whose keys and values are in the cache
	table    table
	cached   int // tokens of the prompt that came from the prefix cache
	admitted bool

	// scored is the number of rows of the prompt whose logits are known; rows up
	// to scoreTo are wanted (prompt log-probabilities), 0: only the last.
	scored, scoreTo int

	// leader computes the same prompt; this sequence waits until it is done and
	// finds it in the prefix cache.
	leader    *sequence
	followers []*sequence
	late      bool // a follower that was let in; its request has begun

	deadline time.Time // zero: none
	state    state
	answer   *answer // the engine's part
}

type state uint8

const (
	stateNew  state = iota
	stateHeld       // a follower whose leader is not through the prompt
	stateWaiting
	stateRunning
	stateEnded
)

// chunk is what one sequence computes in one step: rows n tokens from computed
// on, and the guesses in draft after them. Logits are wanted for the last logits of the
// tokens, and for all guesses.
type chunk struct {
	seq    *sequence
	n      int
	logits int
	draft  []int32
}

// samples tells whether the chunk ends in a new token.
func (c chunk) samples() bool { return c.seq.computed+c.n == len(c.seq.ids) }

// scoring tells whether the logits of q's next row are wanted for the prompt.
func (q *sequence) scoring() bool { return q.computed < q.scoreTo && q.computed >= q.scored }
