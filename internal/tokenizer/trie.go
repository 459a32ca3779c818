package tokenizer

import (
	"slices"
	"strings"
)

// trie finds the keys that a text starts with. The children of a node lie one
// after the other, sorted by their byte.
type trie struct {
	first [256]int32 // child of the root by byte, -1 if none
	nodes []trieNode
}

type trieNode struct {
	label byte
	count uint16 // children
	next  int32  // first child
	value int32  // -1: no key ends here
}

// trieKey is a key and what it stands for.
type trieKey struct {
	text  string
	value int32
}

// newTrie builds a trie; of equal keys the last wins. Empty keys are left out.
func newTrie(keys []trieKey) *trie {
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b trieKey) int { return strings.Compare(a.text, b.text) })
	t := &trie{nodes: []trieNode{{value: -1}}}
	type task struct{ node, lo, hi, depth int }
	queue := []task{{0, 0, len(keys), 0}}
	for len(queue) > 0 {
		work := queue[0]
		queue = queue[1:]
		node := &t.nodes[work.node]
		for work.lo < work.hi && len(keys[work.lo].text) == work.depth {
			if work.depth > 0 {
				node.value = keys[work.lo].value
			}
			work.lo++
		}
		node.next = int32(len(t.nodes))
		for lo := work.lo; lo < work.hi; {
			label := keys[lo].text[work.depth]
			hi := lo + 1
			for hi < work.hi && keys[hi].text[work.depth] == label {
				hi++
			}
			queue = append(queue, task{len(t.nodes), lo, hi, work.depth + 1})
			t.nodes = append(t.nodes, trieNode{label: label, value: -1})
			t.nodes[work.node].count++
			lo = hi
		}
	}
	for i := range t.first {
		t.first[i] = t.search(0, byte(i))
	}
	return t
}

// child returns the node that follows node by byte c, -1 if there is none.
func (t *trie) child(node int32, c byte) int32 {
	if node == 0 {
		return t.first[c]
	}
	return t.search(node, c)
}

func (t *trie) search(node int32, c byte) int32 {
	n := &t.nodes[node]
	lo, hi := n.next, n.next+int32(n.count)
	for lo < hi {
		mid := (lo + hi) / 2
		if t.nodes[mid].label < c {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < n.next+int32(n.count) && t.nodes[lo].label == c {
		return lo
	}
	return -1
}

// longest returns the length and the value of the longest key that s starts
// with, 0 and -1 if there is none.
func (t *trie) longest(s string) (int, int32) {
	length, value, node := 0, int32(-1), int32(0)
	for i := range len(s) {
		if node = t.child(node, s[i]); node < 0 {
			break
		}
		if v := t.nodes[node].value; v >= 0 {
			length, value = i+1, v
		}
	}
	return length, value
}
