package native

import (
	"context"

	"graft/serving"
)

// lending is a wish for the memory of n blocks. It is granted when so many are
// free or idle, and nobody waits who was preempted. Until then no new sequence is
// admitted, so that it comes true when those that have begun have ended, at the
// latest; they are not disturbed.
type lending struct {
	n      int
	blocks chan []int32 // gets what was asked for; holds one
}

// lend takes n blocks out of the cache, when there is room. Nobody but the caller
// touches them until giveBack.
func (e *engine) lend(ctx context.Context, n int) ([]int32, error) {
	l := &lending{n, make(chan []int32, 1)}
	select {
	case e.in <- message{lend: l}:
	case <-e.done:
		return nil, serving.ErrDraining
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case ids := <-l.blocks:
		return ids, nil
	case <-e.done:
		return nil, serving.ErrDraining
	case <-ctx.Done(): // the whole instance ends: what comes now is of no use to anybody
		return nil, context.Cause(ctx)
	}
}

// giveBack returns blocks that were lent.
func (e *engine) giveBack(blocks []int32) {
	if len(blocks) == 0 {
		return
	}
	select {
	case e.in <- message{back: blocks}:
	case <-e.done:
	}
}

// lend grants l, now or when there is room.
func (s *scheduler) lend(l *lending) {
	s.owed = append(s.owed, l)
	s.settle()
}

// takeBack is the end of a lending.
func (s *scheduler) takeBack(blocks []int32) {
	s.blocks.takeBack(blocks)
	s.settle()
}

// settle grants what is owed, in turn.
func (s *scheduler) settle() {
	for len(s.owed) > 0 && len(s.queue.preempted) == 0 {
		ids, ok := s.blocks.lend(s.owed[0].n)
		if !ok {
			return
		}
		s.owed[0].blocks <- ids
		s.owed = s.owed[1:]
	}
}
