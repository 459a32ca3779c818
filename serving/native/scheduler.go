package native

import (
	"slices"
	"time"

	"graft/serving"
)

// policy bounds what the scheduler does in a step.
type policy struct {
	rows      int  // tokens computed in one step
	mixedRows int  // the same while some sequence decodes: bounds how long it waits for its token
	logits    int  // rows of logits in one step (a row is as wide as the vocabulary)
	running   int  // sequences at once
	queue     int  // sequences that may wait
	speculate bool // the engine adds guesses to steps
}

// scheduler decides what each step computes. It is policy alone: it knows
// neither tensors nor the time. Per step the engine calls next, runs the chunks,
// and calls computed for each of them.
//
// A running sequence owns blocks for all its tokens. They are taken when it is
// admitted, and one by one as it decodes. When none is left, the sequence that
// was admitted last is preempted: its blocks are freed, it waits in front of
// everybody, and computes its tokens anew.
type scheduler struct {
	policy
	blocks      *blocks
	queue       queue
	running     []*sequence // in order of admission
	held        int         // sequences in stateHeld
	owed        []*lending  // blocks that could not be lent yet
	preemptions int
}

func newScheduler(p policy, b *blocks) *scheduler {
	p.rows = max(p.rows, 2)
	p.logits = max(p.logits, 1)
	// While all but one decode, that one must still get on with its prompt.
	p.running = max(1, min(p.running, p.rows-1, p.logits))
	p.mixedRows = min(max(p.mixedRows, p.running+1), p.rows)
	return &scheduler{policy: p, blocks: b}
}

// waiting is the number of sequences that are not running.
func (s *scheduler) waiting() int { return s.queue.len() + len(s.queue.preempted) + s.held }

// idle: nothing to do.
func (s *scheduler) idle() bool { return len(s.running) == 0 && s.queue.empty() }

// add queues the sequences of one request, which have the same prompt: the first
// computes it, the others find it in the prefix cache. When the queue is full the
// request is refused with ErrOverloaded, unless another client has more waiting;
// then that client's last request goes, and is returned as displaced.
func (s *scheduler) add(seqs []*sequence) (displaced *sequence, err error) {
	if waits := s.queue.len() + s.held; waits >= s.policy.queue {
		most := s.queue.greediest()
		own := 0
		if c := s.queue.of(seqs[0].client); c != nil {
			own = len(c.seqs)
		}
		if most == nil || len(most.seqs) <= own+len(seqs) {
			return nil, serving.ErrOverloaded
		}
		displaced = most.last()
		if displaced == nil {
			return nil, serving.ErrOverloaded
		}
	}
	lead := seqs[0]
	s.queue.push(lead)
	if s.blocks.noCache {
		for _, f := range seqs[1:] {
			s.queue.push(f)
		}
		return displaced, nil
	}
	for _, f := range seqs[1:] {
		f.leader, f.state = lead, stateHeld
		lead.followers = append(lead.followers, f)
		s.held++
	}
	return displaced, nil
}

// end takes a sequence out, whatever its state: finished, cancelled, expired.
func (s *scheduler) end(q *sequence) {
	switch q.state {
	case stateRunning:
		s.running = slices.DeleteFunc(s.running, func(x *sequence) bool { return x == q })
		s.release(q)
	case stateWaiting:
		s.queue.remove(q)
	case stateHeld:
		s.held--
		q.leader.followers = slices.DeleteFunc(q.leader.followers, func(x *sequence) bool { return x == q })
	}
	q.state = stateEnded
	s.releaseFollowers(q)
}

// expired lists the sequences whose deadline has passed.
func (s *scheduler) expired(now time.Time) []*sequence {
	var out []*sequence
	s.each(func(q *sequence) {
		if !q.deadline.IsZero() && !now.Before(q.deadline) {
			out = append(out, q)
		}
	})
	return out
}

// each visits every sequence that has not ended.
func (s *scheduler) each(f func(*sequence)) {
	visit := func(q *sequence) {
		f(q)
		for _, x := range q.followers {
			f(x)
		}
	}
	for _, q := range s.running {
		visit(q)
	}
	s.queue.each(visit)
}

// next plans a step into plan[:0]. It is empty only when there is nothing to do,
// or nothing runs and blocks are owed.
func (s *scheduler) next(plan []chunk) []chunk {
	s.settle()
	plan = s.decodes(plan[:0])
	rows, logits := s.rows, s.logits-len(plan)
	if len(plan) > 0 {
		rows = s.mixedRows
	}
	rows -= len(plan)
	preempted := s.preemptions
	for _, q := range s.running {
		if q.computed < len(q.ids)-1 {
			plan = s.prefill(plan, q, &rows, &logits)
		}
	}
	for preempted == s.preemptions && rows > 0 && logits > 0 && s.admit() {
		plan = s.prefill(plan, s.running[len(s.running)-1], &rows, &logits)
	}
	return plan
}

// decodes plans one token for every sequence that is through its prompt, oldest
// first, preempting the youngest when blocks run out.
func (s *scheduler) decodes(plan []chunk) []chunk {
	for i := 0; i < len(s.running); i++ {
		q := s.running[i]
		if q.computed < len(q.ids)-1 {
			continue
		}
		for q.state == stateRunning && !s.blocks.grow(&q.table, len(q.ids)) {
			s.preempt(s.running[len(s.running)-1])
		}
		if q.state == stateRunning {
			plan = append(plan, chunk{seq: q, n: 1, logits: 1})
		}
	}
	return plan
}

func (s *scheduler) preempt(q *sequence) {
	s.preemptions++
	s.running = slices.DeleteFunc(s.running, func(x *sequence) bool { return x == q })
	s.release(q)
	q.computed = 0
	s.queue.pushPreempted(q)
}

// release gives back the blocks of q, whose tokens may be met again.
func (s *scheduler) release(q *sequence) {
	s.blocks.keep(&q.table, q.key, q.owner, q.ids, q.computed)
	s.blocks.release(&q.table)
}

// prefill plans the next part of q's tokens, as far as the budgets go.
func (s *scheduler) prefill(plan []chunk, q *sequence, rows, logits *int) []chunk {
	s.skip(q)
	n := min(len(q.ids)-q.computed, *rows)
	want := 0
	switch {
	case q.computed < q.scored && q.scored < q.scoreTo: // preempted while scoring
		n = min(n, q.scored-q.computed)
	case q.scoring():
		n = min(n, *logits)
		want = n
	case q.computed+n == len(q.ids):
		want = 1
		if *logits == 0 {
			n, want = n-1, 0
		}
	}
	if n == 0 {
		return plan
	}
	*rows -= n
	*logits -= want
	return append(plan, chunk{seq: q, n: n, logits: want})
}

// skip moves q over the full blocks that the prefix cache holds by now.
func (s *scheduler) skip(q *sequence) {
	if q.computed%s.blocks.size == 0 {
		s.skipTo(q, s.blocks.match(&q.table, q.key, q.ids, s.mayskip(q)))
	}
}

// mayskip is up to which of its tokens q may skip: rows whose logits are
// wanted are computed in any case, and so is the last one.
func (s *scheduler) mayskip(q *sequence) int {
	switch {
	case q.scoring():
		return 0
	case q.scored < q.scoreTo:
		return min(len(q.ids)-1, q.scored)
	}
	return len(q.ids) - 1
}

func (s *scheduler) skipTo(q *sequence, n int) {
	q.computed = max(q.computed, n)
	if !q.admitted {
		q.cached = min(q.computed, q.prompt)
	}
}

// admit takes the next sequence in turn into running, when there is room for all
// its tokens and for one more block of each that runs.
func (s *scheduler) admit() bool {
	q := s.queue.peek()
	if q == nil || len(s.running) >= s.policy.running || len(s.owed) > 0 && len(s.queue.preempted) == 0 {
		return false
	}
	s.skip(q)
	spare := len(s.running)
	if s.blocks.need(len(q.ids))-len(q.table.blocks)+spare > s.blocks.available() || !s.blocks.grow(&q.table, len(q.ids)) {
		s.blocks.release(&q.table)
		q.computed = 0
		return false
	}
	s.skipTo(q, s.blocks.matchPart(&q.table, q.key, q.owner, q.ids, s.mayskip(q)))
	q.admitted = true
	q.state = stateRunning
	s.queue.pop()
	s.running = append(s.running, q)
	return true
}

// computed records that a chunk ran. When it samples, the engine appends the
// token to ids afterwards.
func (s *scheduler) computed(c chunk) {
	q := c.seq
	q.computed += c.n
	if c.logits > 0 && q.scored < q.scoreTo {
		q.scored = max(q.scored, min(q.computed, q.scoreTo))
	}
	s.blocks.commit(&q.table, q.key, q.owner, q.ids, q.computed)
	if q.computed >= q.prompt-1 {
		s.releaseFollowers(q)
	}
}

// guessed records that the keys and values of q's next token were computed with a guess of it.
func (s *scheduler) guessed(q *sequence) {
	q.computed++
	s.blocks.commit(&q.table, q.key, q.owner, q.ids, q.computed)
}

// releaseFollowers lets the other sequences of q's request in, before the rest
// of their client's.
func (s *scheduler) releaseFollowers(q *sequence) {
	for _, f := range slices.Backward(q.followers) {
		s.held--
		f.leader, f.late = nil, true
		s.queue.pushFront(f)
	}
	q.followers = nil
}
