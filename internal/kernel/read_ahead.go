package kernel

// readAhead is where memory is asked for while something else is computed: four places,
// line by line in turn. Keys of a block and head are often one page; the processor's own
// reading ahead does not see where the next begins, and not far within one, but of four
// pages at a time it reads far enough.
type readAhead struct {
	at   [4]uintptr // addresses, not pointers: they may lead past the end; kernels advance them
	kept [4]uintptr // fills up to 64 bytes, of which Go makes the address a multiple: TestReadAhead
}

// places asks for what blocks of an arena hold of one head.
func (a *readAhead) places(kv *KV, arena []byte, blocks []int32, head int) {
	if len(blocks) >= len(a.at) {
		for i := range a.at {
			a.at[i] = addressOf(arena, kv.at(int(blocks[i]), head))
		}
		return
	}
	parts := len(a.at) / len(blocks) // of a block
	for i := range a.at {
		b := min(i/parts, len(blocks)-1)
		a.at[i] = addressOf(arena, kv.at(int(blocks[b]), head)+i%parts*(kv.headBytes()/parts))
	}
}
