package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestBatchPositions(t *testing.T) {
	b := &Batch{IDs: make([]int32, 6), Segs: []Segment{{Row: 0, Len: 3, Past: 5}, {Row: 3, Len: 1, Past: 0}, {Row: 4, Len: 2, Past: 9}}}
	for range 2 { // the second time over memory of the first
		b.Begin()
		if want := []int32{5, 6, 7, 0, 9, 10}; !slices.Equal(b.Positions(), want) {
			t.Fatalf("positions %v, want %v", b.Positions(), want)
		}
	}
}

// TestBatchPanics has batches that contradict themselves.
func TestBatchPanics(t *testing.T) {
	for want, b := range map[string]Batch{
		"segments cover 2 of 3 rows":  {Segs: []Segment{{Len: 2}}},
		"segment 0 has rows 1+2":      {Segs: []Segment{{Row: 1, Len: 2}}},
		"segment 1 has rows 1+2":      {Segs: []Segment{{Len: 2}, {Row: 1, Len: 2}}},
		"segment 0 has rows 0+4":      {Segs: []Segment{{Len: 4}}},
		"segment 1 has rows 3+0":      {Segs: []Segment{{Len: 3}, {Row: 3}}},
		"2 token types":               {Segs: []Segment{{Len: 3}}, Types: []int32{0, 0}},
		"logits of row 1 after row 1": {Segs: []Segment{{Len: 3}}, Logits: []int32{1, 1}},
		"logits of row 3":             {Segs: []Segment{{Len: 3}}, Logits: []int32{3}},
	} {
		b.IDs = make([]int32, 3)
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			b.Begin()
		}()
	}
}
