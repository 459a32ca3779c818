package kernel

import "fmt"

// Acts is activations [rows, cols] made ready once and multiplied with any number
// of matrices. It also holds the memory that products work in, so it serves one
// goroutine at a time. The zero value is ready for Set.
type Acts struct {
	x          []float32 // [rows, cols]
	rows, cols int

	blocks    []actBlock // [rows, cols/32]
	quantised bool
	words     []wordBlock // the same in 16 bits
	worded    bool
	// The same again for AMX, [rows/16, cols/32]
	byteTiles []byteTile
	pairTiles []pairTile
	wordTiles []wordTile

	byteTiled, pairTiled, wordTiled bool

	tails [][lanes]float32 // [rows] what is left of x after steps of sixteen, and zeros
	cut   bool

	scratch []scratch // one per worker
	job     productJob
	one     [1]Product
	two     [2]Product // of MatMulGLU
}

// Set takes the activations x [rows, cols] by reference: x must stay as it is
// until the last product. What a product needs beyond x is computed when the
// first such product asks for it, in memory that later calls reuse.
func (a *Acts) Set(p *Pool, x []float32, rows, cols int) {
	if len(x) != rows*cols {
		panic(fmt.Sprintf("kernel: activations [%d, %d] with %d numbers", rows, cols, len(x)))
	}
	a.x, a.rows, a.cols = x, rows, cols
	a.quantised, a.worded, a.cut = false, false, false
	a.byteTiled, a.pairTiled, a.wordTiled = false, false, false
}

// quantise fills blocks. A row is always quantised by itself.
func (a *Acts) quantise(p *Pool) {
	if a.quantised {
		return
	}
	a.quantised = true
	n := a.rows * a.cols / 32
	if cap(a.blocks) < n {
		a.blocks = make([]actBlock, n)
	}
	a.blocks = a.blocks[:n]
	const chunk = 1024 // blocks
	if n <= chunk {
		quantiseBlocks(a.blocks, a.x)
		return
	}
	p.Run((n+chunk-1)/chunk, (*quantising)(a))
}

// quantising is the task of quantise.
type quantising Acts

func (a *quantising) Do(i int) {
	b := a.blocks[i*1024 : min(len(a.blocks), (i+1)*1024)]
	quantiseBlocks(b, a.x[i*1024*32:][:len(b)*32])
}

// quantiseWords fills words.
func (a *Acts) quantiseWords(p *Pool) {
	if a.worded {
		return
	}
	a.worded = true
	n := a.rows * a.cols / 32
	if cap(a.words) < n {
		a.words = make([]wordBlock, n)
	}
	a.words = a.words[:n]
	const chunk = 1024 // blocks
	if n <= chunk {
		wordBlocks(a.words, a.x)
		return
	}
	p.Run((n+chunk-1)/chunk, (*wording)(a))
}

// wording is the task of quantiseWords.
type wording Acts

func (a *wording) Do(i int) {
	b := a.words[i*1024 : min(len(a.words), (i+1)*1024)]
	wordBlocks(b, a.x[i*1024*32:][:len(b)*32])
}

// cutTails fills tails.
func (a *Acts) cutTails() {
	whole := a.cols / lanes * lanes
	if a.cut || whole == a.cols {
		return
	}
	a.cut = true
	if cap(a.tails) < a.rows {
		a.tails = make([][lanes]float32, a.rows)
	}
	a.tails = a.tails[:a.rows]
	for i := range a.tails {
		a.tails[i] = [lanes]float32{}
		copy(a.tails[i][:], a.x[i*a.cols+whole:(i+1)*a.cols])
	}
}
