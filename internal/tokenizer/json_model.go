package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// jsonAdded reads added_tokens.
func (b *builder) jsonAdded(f *jsonFile) error {
	for _, a := range f.AddedTokens {
		if a.ID < 0 || a.ID >= maxVocab {
			return fmt.Errorf("added token %q has id %d: want 0 to %d", clip(a.Content), a.ID, maxVocab-1)
		}
		b.added = append(b.added, addedToken{
			id: int32(a.ID), content: a.Content, control: a.Special, guarded: a.Special || guarded(a.Content),
			singleWord: a.SingleWord, lstrip: a.LStrip, rstrip: a.RStrip, normalized: a.Normalized,
		})
	}
	return nil
}

// jsonModel reads the vocabulary and makes the model.
func (b *builder) jsonModel(f *jsonFile) error {
	m := &f.Model
	if m.Type == "" { // early files leave it out
		switch {
		case m.Merges != nil:
			m.Type = "BPE"
		case m.UnkID != nil:
			m.Type = "Unigram"
		}
	}
	var err error
	switch m.Type {
	case "BPE":
		err = b.jsonBPE(m)
	case "Unigram":
		err = b.jsonUnigram(m)
	case "WordPiece":
		err = b.jsonWordPiece(m)
	default:
		return fmt.Errorf("model type %q is not supported: want BPE, Unigram or WordPiece", m.Type)
	}
	if err != nil {
		return fmt.Errorf("%s model: %w", m.Type, err)
	}
	return b.checkAdded()
}

// checkAdded holds the ids of added tokens against the vocabulary.
func (b *builder) checkAdded() error {
	tokens := b.t.vocab.tokens
	for _, a := range b.added {
		key, ok := b.key(a.content)
		if !ok {
			key = a.content
		} else if id, found := b.t.vocab.find(key); found && id != a.id {
			return fmt.Errorf("added token %q has id %d, in the vocabulary %d", clip(a.content), a.id, id)
		}
		if int(a.id) < len(tokens) && tokens[a.id] != "" && tokens[a.id] != key {
			return fmt.Errorf("token id %d is both %q and the added token %q", a.id, clip(tokens[a.id]), clip(a.content))
		}
	}
	return nil
}

func (b *builder) jsonBPE(m *jsonModel) error {
	switch {
	case m.Dropout != nil && *m.Dropout != 0:
		return errors.New("dropout is not supported: it makes tokens random")
	case m.ContinuingSubwordPrefix != nil && *m.ContinuingSubwordPrefix != "":
		return fmt.Errorf("continuing_subword_prefix %q is not supported", *m.ContinuingSubwordPrefix)
	case m.EndOfWordSuffix != nil && *m.EndOfWordSuffix != "":
		return fmt.Errorf("end_of_word_suffix %q is not supported", *m.EndOfWordSuffix)
	}
	if err := b.jsonVocab(m.Vocab); err != nil {
		return err
	}
	o := bpeOptions{unk: -1, fuseUnk: m.FuseUnk, byteFallback: m.ByteFallback, ignoreMerges: m.IgnoreMerges}
	if m.UnkToken != nil {
		id, ok := b.find(*m.UnkToken)
		if !ok {
			return fmt.Errorf("unk_token %q is not in the vocabulary", clip(*m.UnkToken))
		}
		o.unk = id
		b.t.special.unk = id
	}
	list := b.mergeList(len(m.Merges) / 20) // bytes a merge takes
	s := &scanner{b: m.Merges}
	var parts [2][]byte
	if err := s.array(func() error { return s.merge(list, &parts) }); err != nil {
		return err
	}
	b.bpe(list.pairs, o)
	return nil
}

// merge reads a merge, written "a b" or ["a", "b"].
func (s *scanner) merge(list *mergeList, parts *[2][]byte) error {
	if s.peek() == '"' {
		both, err := s.str()
		if err != nil {
			return err
		}
		left, right, ok := bytes.Cut(both, []byte{' '})
		if !ok {
			return fmt.Errorf("merge %q: want two tokens with a space between", clip(string(both)))
		}
		return addMerge(list, left, right)
	}
	n := 0
	err := s.array(func() error {
		part, err := s.str()
		if n < 2 {
			parts[n] = append(parts[n][:0], part...)
		}
		n++
		return err
	})
	if err == nil && n != 2 {
		err = fmt.Errorf("a merge of %d tokens: want 2", n)
	}
	if err != nil {
		return err
	}
	return addMerge(list, parts[0], parts[1])
}

// jsonVocab reads a vocabulary written as an object of token to id.
func (b *builder) jsonVocab(data []byte) error {
	s := &scanner{b: data}
	var token []byte
	err := s.object(func(key []byte) error {
		token = append(token[:0], key...)
		id, err := s.integer()
		if err != nil {
			return err
		}
		return addToken(b, id, token)
	})
	if err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	return b.vocabulary()
}

func (b *builder) jsonWordPiece(m *jsonModel) error {
	if b.byteLevel {
		return errors.New("a ByteLevel pre-tokenizer is not supported")
	}
	if err := b.jsonVocab(m.Vocab); err != nil {
		return err
	}
	prefix, unk, longest := "##", "[UNK]", 100
	if m.ContinuingSubwordPrefix != nil {
		prefix = *m.ContinuingSubwordPrefix
	}
	if m.UnkToken != nil {
		unk = *m.UnkToken
	}
	if m.MaxInputCharsPerWord != nil {
		longest = *m.MaxInputCharsPerWord
	}
	return b.wordPiece(prefix, unk, longest)
}

// wordPiece makes the model of the vocabulary.
func (b *builder) wordPiece(prefix, unk string, longest int) error {
	id, ok := b.find(unk)
	if !ok {
		return fmt.Errorf("unk_token %q is not in the vocabulary", clip(unk))
	}
	b.t.special.unk = id
	var starts, inner []trieKey
	hidden := b.hidden()
	for id, token := range b.t.vocab.tokens {
		if token == "" || hidden[int32(id)] {
			continue
		}
		starts = append(starts, trieKey{token, int32(id)})
		if rest, ok := strings.CutPrefix(token, prefix); ok {
			inner = append(inner, trieKey{rest, int32(id)})
		}
	}
	b.t.model = &wordPiece{starts: newTrie(starts), inner: newTrie(inner), unk: id, maxRunes: longest}
	return nil
}

func (b *builder) jsonUnigram(m *jsonModel) error {
	if b.byteLevel {
		return errors.New("a ByteLevel pre-tokenizer is not supported")
	}
	var score []float64
	s := &scanner{b: m.Vocab}
	err := s.array(func() error {
		var token string
		n := 0
		err := s.array(func() error {
			n++
			if n == 1 {
				text, err := s.str()
				token = string(text)
				return err
			}
			number, err := s.number()
			if err != nil {
				return err
			}
			v, err := serdeFloat(number)
			score = append(score, v)
			return err
		})
		if err != nil {
			return err
		}
		if n != 2 {
			return fmt.Errorf("entry %d of the vocabulary: want a token and its score", len(score))
		}
		return addToken(b, int64(len(score)-1), token)
	})
	if err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	if err := b.vocabulary(); err != nil {
		return err
	}
	unk := int32(-1)
	if m.UnkID != nil {
		if *m.UnkID < 0 || *m.UnkID >= int64(len(score)) {
			return fmt.Errorf("unk_id is %d, of %d tokens", *m.UnkID, len(score))
		}
		unk = int32(*m.UnkID)
	}
	b.t.special.unk = unk
	b.unigram(score, unk, m.ByteFallback)
	return nil
}

// unigram makes the model of the vocabulary.
func (b *builder) unigram(score []float64, unk int32, byteFallback bool) {
	var fallback *[256]int32
	if byteFallback {
		fallback = b.byteTable()
	}
	b.t.model = newUnigram(b.t.vocab, score, unk, fallback, b.hidden())
}
