package evalharness

import (
	"context"
	"math/rand/v2"
	"sync"
)

// answerAll asks all arms all cases, a case after the other, so that whatever changes
// with time (load, a remote model) meets all arms alike. The answers are by arm, in the
// order of the cases.
func (r *run) answerAll(ctx context.Context, plans []plan, cases []Case, progress func(done int)) ([][]Answer, error) {
	out := make([][]Answer, len(plans))
	for i := range out {
		out[i] = make([]Answer, len(cases))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type job struct{ arm, at int }
	jobs := make(chan job)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range r.task.Parallel {
		wg.Go(func() {
			for j := range jobs {
				a, err := r.answerCase(ctx, &plans[j.arm], &cases[j.at])
				if err != nil {
					cancel(err)
					continue
				}
				out[j.arm][j.at] = a
				mu.Lock()
				done++
				if progress != nil {
					progress(done)
				}
				mu.Unlock()
			}
		})
	}
feed:
	for at := range cases {
		for k := range plans {
			// Which arm is first changes from case to case: the first one warms what the
			// others find.
			select {
			case jobs <- job{(k + at) % len(plans), at}:
			case <-ctx.Done():
				break feed
			}
		}
	}
	close(jobs)
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return out, nil
}

// shuffle is the same for the same seed.
func shuffle[T any](list []T, seed uint64) {
	rand.New(rand.NewPCG(seed, 0x6465762d)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}
