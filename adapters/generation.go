package adapters

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"math"
	"slices"
)

// digest hashes what decides the numbers that the adapter computes, and nothing
// else: doc.go lists it field by field.
func digest(a *Adapter) string {
	d := digester{sha256.New()}
	d.text("graft adapter 1")
	d.number(uint64(len(a.Modules)))
	for _, m := range a.Modules {
		d.text(m.Path)
		kind := uint64(0)
		if m.Embedding {
			kind = 1
		}
		d.number(kind)
		d.number(math.Float64bits(m.Scale()))
		d.tensor(m.A)
		d.tensor(m.B)
		d.tensor(m.Magnitude)
	}
	d.number(uint64(len(a.Replaced)))
	for _, name := range slices.Sorted(maps.Keys(a.Replaced)) {
		d.text(name)
		d.tensor(a.Replaced[name])
	}
	return "sha256:" + hex.EncodeToString(d.h.Sum(nil))
}

type digester struct{ h hash.Hash }

func (d digester) number(n uint64) {
	d.h.Write(binary.LittleEndian.AppendUint64(nil, n))
}

func (d digester) text(s string) {
	d.number(uint64(len(s)))
	d.h.Write([]byte(s))
}

func (d digester) tensor(t Tensor) {
	d.number(uint64(t.Type))
	d.number(uint64(len(t.Shape)))
	for _, n := range t.Shape {
		d.number(uint64(n))
	}
	d.number(uint64(len(t.Data)))
	d.h.Write(t.Data)
}
