package dataset

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Split divides rows into those to train on and those to validate with, by number and
// in the order of the file. A share of about share of each label goes to validation,
// where answers are labels; rows of the same prompt and near-duplicates stay together.
// The same rows, share and seed give the same division.
func Split(list []Row, share float64, seed uint64) (train, valid []int, err error) {
	return SplitContext(context.Background(), list, share, seed)
}

// SplitContext is Split that ends with ctx.
func SplitContext(ctx context.Context, list []Row, share float64, seed uint64) (train, valid []int, err error) {
	if !(share > 0 && share < 1) {
		return nil, nil, fmt.Errorf("the validation share is %v, want a number between 0 and 1", share)
	}
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = list[i].Asked()
	}
	group, err := GroupsContext(ctx, texts)
	if err != nil {
		return nil, nil, err
	}
	members := map[int][]int{}
	for i, g := range group {
		members[g] = append(members[g], i)
	}
	if len(members) < 2 {
		return nil, nil, fmt.Errorf("the %d rows cannot be divided: all have the same prompt, or nearly", len(list))
	}
	labels, ok := Labels(list)
	strata := map[string][]int{} // first rows of groups, by label
	for i, g := range group {
		if g == i {
			name := ""
			if ok {
				name = labels[i]
			}
			strata[name] = append(strata[name], i)
		}
	}
	names := make([]string, 0, len(strata))
	for name := range strata {
		names = append(names, name)
	}
	slices.Sort(names)
	r := rand.New(rand.NewPCG(seed, 0x6772616674))
	owed := 0.0 // to validation, from the labels before
	for _, name := range names {
		groups, total := strata[name], 0
		for _, g := range groups {
			total += len(members[g])
		}
		owed += share * float64(total)
		r.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
		left := len(groups)
		for _, g := range groups {
			if n := float64(len(members[g])); left > 1 && n/2 <= owed {
				valid = append(valid, members[g]...)
				owed -= n
				left--
			}
		}
	}
	if len(valid) == 0 { // shares below a row: the smallest group will do
		least := -1
		for _, name := range names {
			for _, g := range strata[name] {
				if least < 0 || len(members[g]) < len(members[least]) || len(members[g]) == len(members[least]) && g < least {
					least = g
				}
			}
		}
		valid = members[least]
	}
	slices.Sort(valid)
	for i := range list {
		if _, in := slices.BinarySearch(valid, i); !in {
			train = append(train, i)
		}
	}
	return train, valid, nil
}

// Asked is what a row asks, without instructions that stand before it for all.
func (r *Row) Asked() string {
	if r.Kind == Completion {
		return r.Prompt
	}
	list := r.Messages
	if r.Kind == Chat && len(list) > 0 {
		list = list[:len(list)-1]
	}
	for len(list) > 1 && (list[0].Role == "system" || list[0].Role == "developer") {
		list = list[1:]
	}
	return textOf(list)
}
