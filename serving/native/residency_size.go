package native

import (
	"context"
	"fmt"

	"graft/serving"
)

// measure finds out how many blocks the adapters of c take.
func (r *residency) measure(ctx context.Context, c *claim) error {
	total := 0
	for _, g := range c.generations {
		n, err := r.sizeOf(ctx, g)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return unusable(g, err)
		}
		blocks := r.blocksOf(n)
		c.blocks = append(c.blocks, blocks)
		total += blocks
	}
	if total > r.env.budget {
		return fmt.Errorf("%w: %s would take %s of memory, and all adapters together may take %s: raise adapters.memory, or engine.kv_memory of which that is a part",
			serving.ErrAdapter, named(c.generations), r.megabytes(total), r.megabytes(r.env.budget))
	}
	return nil
}

// sizeOf is the bytes of an adapter: those it had when it was last loaded, or as
// announced.
func (r *residency) sizeOf(ctx context.Context, generation string) (n int64, err error) {
	r.mu.Lock()
	n, known := r.sizes[generation]
	r.mu.Unlock()
	if known {
		return n, nil
	}
	err = guarded(func() (err error) {
		n, err = r.env.size(ctx, generation)
		return err
	})
	return n, err
}

func (r *residency) blocksOf(bytes int64) int {
	return int((max(bytes, 0) + r.env.blockBytes - 1) / r.env.blockBytes)
}

// unusable is the error of an adapter that cannot be had.
func unusable(generation string, err error) error {
	return fmt.Errorf("%w: %s: %w", serving.ErrAdapter, generation, err)
}
func named(generations []string) string {
	if len(generations) == 1 {
		return generations[0]
	}
	return fmt.Sprintf("these %d adapters", len(generations))
}

func (r *residency) megabytes(blocks int) string {
	return fmt.Sprintf("%.2f MB", float64(blocks)*float64(r.env.blockBytes)/1e6)
}
