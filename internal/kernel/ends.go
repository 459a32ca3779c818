package kernel

import "sync/atomic"

// ends hands out numbers of a row, from both its ends, until those who take them meet. The caller
// of a task begins at the first, the other workers at the last: in task after task the same
// rows are then computed by the same core, and lie in its caches.
type ends struct {
	word atomic.Int64 // how many are left, below 0 if more were asked for, and in the lower half the first
}

// set leaves first to n-1.
func (e *ends) set(first, n int) { e.word.Store(int64(n-first)<<32 | int64(first)) }

// any says that some are left.
func (e *ends) any() bool { return e.word.Load() >= 1<<32 }

// take takes the first that is left, or the last; false: there is none.
func (e *ends) take(first bool) (i int, ok bool) {
	if !e.any() {
		return 0, false // what is asked for in vain stays little
	}
	if first {
		v := e.word.Add(1 - 1<<32)
		return int(v&(1<<32-1)) - 1, v >= 0
	}
	v := e.word.Add(-1 << 32)
	return int(v&(1<<32-1)) + int(v>>32), v >= 0
}
