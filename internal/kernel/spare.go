package kernel

import "sync/atomic"

// spare keeps one T for the next operation that needs one, so that operations of
// one goroutine do not allocate.
type spare[T any] struct{ p atomic.Pointer[T] }

func (s *spare[T]) take() *T {
	if t := s.p.Swap(nil); t != nil {
		return t
	}
	return new(T)
}

// put clears t, so that it holds no one's memory, and keeps it.
func (s *spare[T]) put(t *T) {
	var zero T
	*t = zero
	s.p.Store(t)
}
