package model

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"graft/internal/kernel"
	"graft/internal/weights"
)

// pack lays out the matrices, the largest first, and gives back the memory of
// those parts of the file that are not needed any more.
func (l *loader) pack(workers int) error {
	jobs := slices.Clone(l.packing)
	slices.SortStableFunc(jobs, func(a, b packing) int { return len(b.source.Data) - len(a.source.Data) })
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	errs := make([]error, len(jobs))
	spent := spent{store: l.store}
	var next atomic.Int64
	var done sync.WaitGroup
	for range min(workers, len(jobs)) {
		done.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(jobs); i = int(next.Add(1)) - 1 {
				j := &jobs[i]
				j.linear.W, errs[i] = kernel.NewMatrix(j.source)
				if errs[i] != nil {
					errs[i] = fmt.Errorf("tensor %s: %w", j.tensor.Name, errs[i])
				}
				if f, ok := kernel.FormatOf(j.tensor.Type); ok && f.BlockLen > 1 {
					spent.add(j.tensor) // now there is a copy
				}
			}
		})
	}
	done.Wait()
	spent.release()
	for _, t := range l.ties {
		t.head.W = t.table.W
	}
	return errors.Join(errs...)
}

// spent gathers tensors that have been copied, to be released together.
type spent struct {
	store   *weights.Store
	mu      sync.Mutex
	tensors []weights.Tensor
	bytes   int
}

// spentBytes is how much of a file and of its copy may be in memory both.
const spentBytes = 16 << 20

func (s *spent) add(t weights.Tensor) {
	s.mu.Lock()
	s.tensors = append(s.tensors, t)
	s.bytes += len(t.Data)
	full := s.bytes >= spentBytes
	s.mu.Unlock()
	if full {
		s.release()
	}
}

func (s *spent) release() {
	s.mu.Lock()
	all := s.tensors
	s.tensors, s.bytes = nil, 0
	s.mu.Unlock()
	s.store.Release(all...)
}
