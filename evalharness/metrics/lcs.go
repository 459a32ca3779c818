package metrics

import "math/bits"

// lcs is the length of the longest common subsequence. It goes through a in blocks of
// 64, a bit each (Hyyrö 2004): len(a)·len(b)/64 steps, and memory of len(b).
func lcs[T comparable](a, b []T) int {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	index := map[T]int{}
	for _, x := range a {
		if _, ok := index[x]; !ok {
			index[x] = len(index) + 1
		}
	}
	symbols := make([]int, len(b)) // 0: not in a
	for j, x := range b {
		symbols[j] = index[x]
	}
	masks := make([]uint64, len(index)+1) // where a symbol is in the block
	carries := make([]uint64, len(b))     // from the block before, at each step
	var length int
	for start := 0; start < len(a); start += 64 {
		block := a[start:min(start+64, len(a))]
		clear(masks)
		for i, x := range block {
			masks[index[x]] |= 1 << i
		}
		v := ^uint64(0)
		for j, s := range symbols {
			u := v & masks[s]
			sum, carry := bits.Add64(v, u, carries[j])
			v = sum | v&^masks[s]
			carries[j] = carry
		}
		if n := len(block); n < 64 {
			v |= ^uint64(0) << n
		}
		length += bits.OnesCount64(^v)
	}
	return length
}

// maxLine bounds the table of lcsIndices: a cell for every pair of tokens of two lines.
const maxLine = 8192

// lcsIndices gives the places in ref of one longest common subsequence, the one that
// rouge_score finds: from the ends, it goes left only where that is strictly longer.
func lcsIndices(ref, can []string) []int {
	cols := len(can) + 1
	t := make([]int16, (len(ref)+1)*cols) // lengths, at most maxLine
	for i := 1; i <= len(ref); i++ {
		for j := 1; j <= len(can); j++ {
			if ref[i-1] == can[j-1] {
				t[i*cols+j] = t[(i-1)*cols+j-1] + 1
			} else {
				t[i*cols+j] = max(t[(i-1)*cols+j], t[i*cols+j-1])
			}
		}
	}
	var found []int
	for i, j := len(ref), len(can); i > 0 && j > 0; {
		switch {
		case ref[i-1] == can[j-1]:
			found = append(found, i-1)
			i, j = i-1, j-1
		case t[i*cols+j-1] > t[(i-1)*cols+j]:
			j--
		default:
			i--
		}
	}
	return found
}
