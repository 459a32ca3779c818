//go:build !amd64 || purego

package kernel

// run computes the tile.
func (t *tile) run(p *packing) { t.generic(p) }
