package tokenizer

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"
)

// maxVocab bounds token ids: sixteen times the largest vocabulary in use.
const maxVocab = 1 << 22

// vocab maps token ids to the text a model looks them up by, and back. The
// texts lie one after the other in one string.
type vocab struct {
	tokens []string // by id; "" where the id has no token
	slots  []int32  // open addressing: id+1, 0 is empty
	seed   maphash.Seed
}

// vocabBuilder gathers tokens in any order.
type vocabBuilder struct {
	text []byte
	ends []entry
	size int // ids: at least one more than the largest with a text
}

type entry struct {
	id         int32
	start, end uint32 // in text
}

func addText[T string | []byte](b *vocabBuilder, id int64, token T) error {
	if id < 0 || id >= maxVocab {
		return fmt.Errorf("token %q has id %d: want 0 to %d", clip(string(token)), id, maxVocab-1)
	}
	if uint64(len(b.text))+uint64(len(token)) > 1<<31 {
		return errors.New("the vocabulary holds more than 2 GiB of text")
	}
	start := uint32(len(b.text))
	b.text = append(b.text, token...)
	b.ends = append(b.ends, entry{int32(id), start, uint32(len(b.text))})
	b.size = max(b.size, int(id)+1)
	return nil
}

// build makes the table; the lookup leaves out the ids in unlisted. Two texts
// for one id are an error; of two ids for one text the lookup knows the first.
func (b *vocabBuilder) build(unlisted []int32) (*vocab, error) {
	if err := checkSparse(b.size, len(b.ends)); err != nil {
		return nil, err
	}
	text := string(b.text)
	v := &vocab{tokens: written[string](b.size), seed: maphash.MakeSeed()}
	for _, e := range b.ends {
		if v.tokens[e.id] != "" {
			return nil, fmt.Errorf("token id %d is both %q and %q", e.id, clip(v.tokens[e.id]), clip(text[e.start:e.end]))
		}
		v.tokens[e.id] = text[e.start:e.end]
	}
	v.slots = written[int32](1 << bits.Len(uint(len(v.tokens)*3/2)))
	skip := make(map[int32]bool, len(unlisted))
	for _, id := range unlisted {
		skip[id] = true
	}
	for id, token := range v.tokens {
		if token == "" || len(skip) > 0 && skip[int32(id)] {
			continue
		}
		if i, found := v.slot(token); !found {
			v.slots[i] = int32(id) + 1
		}
	}
	return v, nil
}

// written makes a table whose memory has been written to. Entries are looked at before
// they are set, and the system gives memory that is read first twice: a page that all
// share, and at the first write one of its own, for which it interrupts all processors.
// That took half of the time of reading a vocabulary.
func written[T any](n int) []T {
	table := make([]T, n)
	clear(table)
	return table
}

// checkSparse refuses ids that would make small files take much memory.
func checkSparse(size, tokens int) error {
	if size > 4*tokens+1<<16 {
		return fmt.Errorf("token ids up to %d, for %d tokens", size-1, tokens)
	}
	return nil
}

// hide takes a token out of the lookup.
func (v *vocab) hide(id int32) { v.tokens[id] = "" }

// slot is where token is stored, or where it would be.
func (v *vocab) slot(token string) (int, bool) {
	mask := len(v.slots) - 1
	i := int(maphash.String(v.seed, token)) & mask
	for {
		switch id := v.slots[i]; {
		case id == 0:
			return i, false
		case v.tokens[id-1] == token:
			return i, true
		}
		i = (i + 1) & mask
	}
}

// find returns the id of a token, -1 if there is none.
func (v *vocab) find(token string) (int32, bool) {
	if i, found := v.slot(token); found && token != "" {
		return v.slots[i] - 1, true
	}
	return -1, false
}

// clip shortens a text for an error message.
func clip(s string) string {
	if len(s) <= 40 {
		return s
	}
	return s[:40] + "…"
}
