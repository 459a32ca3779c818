package kernel

// bandRows is how many rows a band has at least: for each, weights are read and unpacked once more.
const bandRows = 192

// bandsOf is in how many bands of rows products are shared out: each worker then reads the activations
// that are in its cache, since it made them, and writes what it will need next. Float
// formats are not cut.
func (a *Acts) bandsOf(all []Product, workers int) int {
	for i := range all {
		if all[i].W.format.packing == nil {
			return 1
		}
	}
	return max(1, min(workers, a.rows/bandRows))
}

// band is the rows of one band of n, all but the last whole calls of a kernel.
func (a *Acts) band(i, n int) (from, to int) {
	squares := (a.rows + groupRows - 1) / groupRows
	return i * squares / n * groupRows, min(a.rows, (i+1)*squares/n*groupRows)
}
