package kernel

// selfProduct is one product of attention: c [rows, columns] = or += a b, in blocks of 32
// rows, columns and k, as gemm_split.go says; u u alone where a block has no lower parts.
type selfProduct struct {
	a        *float32 // [rows, k] of blocks
	aRow     int      // bytes between its blocks of rows
	b        *float32 // [columns, k or more] of blocks
	bCol     int      // bytes between its blocks of columns
	c        *float32
	cRow     int // bytes between the rows of c
	k        int // blocks, as are the next two
	rows     int
	columns  int
	block    int // bytes of a block
	addition bool
}

// generic is the portable product, and the definition of the others.
func (t *selfProduct) generic() {
	for r := range t.rows * splitSide {
		row := ahead(t.a, r/splitSide*t.aRow/4+r%splitSide*splitRow)
		for j := range t.columns * splitSide {
			column := ahead(t.b, j/splitSide*t.bCol/4+j%splitSide/16*splitTile+j%16)
			c := ahead(t.c, r*t.cRow/4+j)
			sum := float32(0)
			if t.addition {
				sum = flush(*c)
			}
			for k := range t.k {
				u, v := ahead(row, k*t.block/4), ahead(column, k*t.block/4)
				sum = flush(sum + pairsOf(u, v))
				if t.block == 4*splitBlock {
					sum = flush(sum + pairsOf(u, ahead(v, splitLower)))
					sum = flush(sum + pairsOf(ahead(u, splitLower), v))
				}
			}
			*c = sum
		}
	}
}
