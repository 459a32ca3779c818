package tokenizer

import "math/bits"

// pairs ranks merges by a list of them: the earlier in the list the sooner.
type pairs struct {
	slots []pairSlot // open addressing; key 0 with id 0 is never a merge of two tokens
	shift int
	count int
}

type pairSlot struct {
	key  uint64 // left token id+1, right token id
	rank uint32
	id   int32
}

// newPairs makes room for n merges; more may come.
func newPairs(n int) *pairs {
	width := bits.Len(uint(n*3/2) | 15) // never more than two thirds full
	return &pairs{slots: written[pairSlot](1 << width), shift: 64 - width}
}

func pairKey(a, b int32) uint64 { return uint64(a+1)<<32 | uint64(uint32(b)) }

func (p *pairs) slot(key uint64) *pairSlot {
	mask := len(p.slots) - 1
	i := int(key * 0x9E3779B97F4A7C15 >> p.shift)
	for p.slots[i].key != 0 && p.slots[i].key != key {
		i = (i + 1) & mask
	}
	return &p.slots[i]
}

// set adds a merge; of two for one pair the last counts.
func (p *pairs) set(a, b int32, rank int, id int32) {
	s := p.slot(pairKey(a, b))
	if s.key == 0 {
		p.count++
	}
	*s = pairSlot{pairKey(a, b), uint32(rank), id}
	if p.count*3 > len(p.slots)*2 {
		larger := newPairs(2 * p.count)
		for _, s := range p.slots {
			if s.key != 0 {
				*larger.slot(s.key) = s
			}
		}
		larger.count = p.count
		*p = *larger
	}
}

func (p *pairs) merge(a, b int32, _ string) (uint64, int32, bool) {
	s := p.slot(pairKey(a, b))
	return uint64(s.rank), s.id, s.key != 0
}
