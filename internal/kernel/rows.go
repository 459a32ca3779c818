package kernel

// rowTask is an operation that treats each row by itself, shared among workers
// when there is enough of it. do computes rows [lo, hi).
type rowTask struct {
	do         func(t *rowTask, lo, hi int)
	y, x, w, b []float32
	base       []float32
	width      int
	s, c       float32 // what these mean is up to do
	act        Activation
	rope       *Rotary
	pos        []int32
	heads      int

	rows, chunk int
}

func (t *rowTask) Do(i int) {
	t.do(t, i*t.chunk, min(t.rows, (i+1)*t.chunk))
}

var spareRows spare[rowTask]

// run computes rows rows, each of about cost nanoseconds times sixteen.
func (t *rowTask) run(p *Pool, rows, cost int) {
	const worthSharing = 1 << 14
	t.rows, t.chunk = rows, max(1, worthSharing/max(1, cost))
	p.Run((rows+t.chunk-1)/t.chunk, t)
	spareRows.put(t)
}
