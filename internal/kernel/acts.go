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

// quantiseChunk is how many blocks are quantised at a time. As many or fewer, of several rows, are left to the
// workers of a product: see productJob.
const quantiseChunk = 1024

// quantise fills blocks. A row is always quantised by itself.
func (a *Acts) quantise(p *Pool) {
	if a.lacksBlocks() {
		p.Run((len(a.blocks)+quantiseChunk-1)/quantiseChunk, (*quantising)(a))
	}
}

// lacksBlocks tells that blocks have not been asked for before. There is memory for them.
func (a *Acts) lacksBlocks() bool {
	if a.quantised {
		return false
	}
	a.quantised = true
	room(&a.blocks, a.rows*a.cols/32)
	return true
}

// quantising is the task of quantise.
type quantising Acts

func (a *quantising) Do(i int) {
	(*Acts)(a).quantisePart(i*quantiseChunk, min(len(a.blocks), (i+1)*quantiseChunk))
}

// quantisePart fills blocks lo to hi.
func (a *Acts) quantisePart(lo, hi int) { quantiseBlocks(a.blocks[lo:hi], a.x[32*lo:32*hi]) }

// quantiseWords fills words.
func (a *Acts) quantiseWords(p *Pool) {
	if a.lacksWords() {
		p.Run((len(a.words)+quantiseChunk-1)/quantiseChunk, (*wording)(a))
	}
}

// lacksWords is lacksBlocks for words.
func (a *Acts) lacksWords() bool {
	if a.worded {
		return false
	}
	a.worded = true
	room(&a.words, a.rows*a.cols/32)
	return true
}

// wording is the task of quantiseWords.
type wording Acts

func (a *wording) Do(i int) {
	(*Acts)(a).wordPart(i*quantiseChunk, min(len(a.words), (i+1)*quantiseChunk))
}

// wordPart fills words lo to hi.
func (a *Acts) wordPart(lo, hi int) { wordBlocks(a.words[lo:hi], a.x[32*lo:32*hi]) }

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
