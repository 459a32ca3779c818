package model

// Batch is the work of one pass: the rows of one or several sequences, those
// of one sequence adjacent and in order.
type Batch struct {
	IDs   []int32   // [T] token ids
	Types []int32   // [T] token types (BERT); nil means 0
	Segs  []Segment // cover IDs without gaps
	// Logits lists the rows for which the head is computed, ascending.
	Logits []int32
}

// Segment is the part of one sequence computed in a pass. Its rows have
// positions Past, Past+1, … Past+Len-1.
type Segment struct {
	Row    int     // first row in the batch
	Len    int     // rows
	Past   int     // tokens of the sequence already in the cache
	Limit  int     // tokens the sequence may grow to; chooses a long rope
	Blocks []int32 // cache blocks of the sequence, enough for Past+Len tokens
}
