package rating

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strconv"
)

// block is within how many pairs a rater has A on the left as often as on the right.
const block = 10

// slot is a place in what a rater is shown.
type slot struct {
	item   int  // index of the round's items
	aLeft  bool // A's answer is on the left
	repeat bool // shown before, with the sides exchanged
}

// slots are what a rater is shown, in order. They follow from the seed, the cases'
// ids and the rater's number; the answers and arms have no part in them.
//
// Raters come in twos that are shown the same pairs in blocks of 10, in orders of
// their own. Within a block the half with the lowest HMAC(seed, case, first rater of
// the two) has A on the left; the second rater has each pair the other way round. So
// each rater is balanced in every block, and each case between the two.
func slots(seed string, cases []string, rater int) []slot {
	pair, flip := strconv.Itoa(rater/2), rater%2 == 1
	order := sorted(len(cases), func(i int) []byte { return mac(seed, "block", pair, cases[i]) })
	all := make([]slot, 0, len(cases)+len(cases)/block+1)
	for start := 0; start < len(order); start += block {
		members := order[start:min(start+block, len(order))]
		bySide := sorted(len(members), func(i int) []byte { return mac(seed, "side", pair, cases[members[i]]) })
		half := len(members) / 2
		if len(members)%2 == 1 { // the odd one's side is drawn as well
			half += int(mac(seed, "odd", pair, strconv.Itoa(start))[0] & 1)
		}
		left := make([]bool, len(members))
		for place, i := range bySide {
			left[i] = (place < half) != flip
		}
		own := sorted(len(members), func(i int) []byte { return mac(seed, "place", strconv.Itoa(rater), cases[members[i]]) })
		for _, i := range own {
			all = append(all, slot{item: members[i], aLeft: left[i]})
		}
	}
	return append(all, repeats(seed, cases, rater, all)...)
}

// repeats are a tenth of the pairs, shown again at the end with the sides exchanged:
// taken from the first half, so that nobody sees one twice in a row.
func repeats(seed string, cases []string, rater int, shown []slot) []slot {
	n := (len(shown) + block/2) / block
	if n == 0 && len(shown) >= 4 {
		n = 1
	}
	early := shown[:len(shown)/2]
	again := sorted(len(early), func(i int) []byte { return mac(seed, "repeat", strconv.Itoa(rater), cases[early[i].item]) })
	var list []slot
	for _, i := range again[:min(n, len(again))] {
		list = append(list, slot{item: early[i].item, aLeft: !early[i].aLeft, repeat: true})
	}
	return list
}

// sorted is 0…n-1 in the order of their keys.
func sorted(n int, key func(int) []byte) []int {
	keys, order := make([][]byte, n), make([]int, n)
	for i := range n {
		keys[i], order[i] = key(i), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(bytes.Compare(keys[a], keys[b]), a-b) })
	return order
}

// mac is HMAC-SHA256 of the parts, each with its length before it.
func mac(seed string, parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(seed))
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return h.Sum(nil)
}
