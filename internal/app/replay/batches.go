package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"graft/training"
)

// ignored is the label of a position that is not trained on, as in PyTorch.
const ignored = -100

// batch is one step's rows as they stand in the file.
type batch struct {
	IDs    [][]int32 `json:"ids"`
	Labels [][]int32 `json:"labels"`
	Mask   [][]int32 `json:"mask"` // 1: a token, 0: padding; missing: no padding
}

// ReadBatches reads batches.json into examples and the examples of each step. Rows that
// train nothing are left out, as they change nothing; a step of only such rows is an error.
func ReadBatches(r io.Reader) (examples []training.Example, windows [][]int, err error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, nil, fmt.Errorf("want a list of batches, one object a step: %v", err)
	}
	for d.More() {
		step := len(windows) + 1
		var b batch
		if err := d.Decode(&b); err != nil {
			return nil, nil, fmt.Errorf("step %d: %w", step, err)
		}
		list, err := b.examples()
		if err != nil {
			return nil, nil, fmt.Errorf("step %d: %w", step, err)
		}
		var window []int
		for _, e := range list {
			window = append(window, len(examples))
			examples = append(examples, e)
		}
		windows = append(windows, window)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, fmt.Errorf("after step %d: %w", len(windows), err)
	}
	if len(windows) == 0 {
		return nil, nil, errors.New("there are no batches")
	}
	return examples, windows, nil
}

func (b *batch) examples() (list []training.Example, err error) {
	if len(b.IDs) == 0 || len(b.Labels) != len(b.IDs) || b.Mask != nil && len(b.Mask) != len(b.IDs) {
		return nil, fmt.Errorf("%d rows of ids, %d of labels, %d of mask", len(b.IDs), len(b.Labels), len(b.Mask))
	}
	for i, ids := range b.IDs {
		mask := bytes.Repeat([]byte{1}, len(ids))
		if b.Mask != nil {
			if len(b.Mask[i]) != len(ids) {
				return nil, fmt.Errorf("row %d: %d ids with a mask of %d", i+1, len(ids), len(b.Mask[i]))
			}
			for j, m := range b.Mask[i] {
				if m != 0 && m != 1 {
					return nil, fmt.Errorf("row %d: mask[%d] is %d, want 0 or 1", i+1, j, m)
				}
				mask[j] = byte(m)
			}
		}
		e, trained, err := example(ids, b.Labels[i], mask)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
		if trained {
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no label of it counts: all are -100")
	}
	return list, nil
}

// example is a row without its padding, which may stand on either side: positions
// are relative to each other in all architectures that graft trains.
func example(ids, labels []int32, mask []byte) (e training.Example, trained bool, err error) {
	if len(labels) != len(ids) {
		return e, false, fmt.Errorf("%d ids with %d labels", len(ids), len(labels))
	}
	first, end := bytes.IndexByte(mask, 1), bytes.LastIndexByte(mask, 1)+1
	if first < 0 {
		first, end = 0, 0
	}
	if gap := bytes.IndexByte(mask[first:end], 0); gap >= 0 {
		return e, false, fmt.Errorf("mask[%d] is 0 between tokens; padding stands at the ends", first+gap)
	}
	for i, label := range labels {
		switch {
		case label == ignored || i == 0: // nothing comes before the first
		case i < first || i >= end:
			return e, false, fmt.Errorf("labels[%d] is %d, on padding", i, label)
		case i == first:
			return e, false, fmt.Errorf("labels[%d] is %d, on the first token, which only padding comes before", i, label)
		}
	}
	e = training.Example{IDs: ids[first:end], Weights: make([]float32, end-first)}
	for i := 1; i < end-first; i++ {
		label := labels[first+i]
		if label == ignored {
			continue
		}
		e.Weights[i], trained = 1, true
		if label != e.IDs[i] {
			if e.Targets == nil {
				e.Targets = append([]int32(nil), e.IDs...)
			}
			e.Targets[i] = label
		}
	}
	return e, trained, nil
}
