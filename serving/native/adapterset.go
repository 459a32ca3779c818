package native

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"graft/internal/model"
	"graft/serving"
)

// adapterSet is the adapters of a request in the form that decides about sharing:
// sorted by generation, each once with the sum of its weights, without those that
// add nothing. nil is the base alone.
type adapterSet []serving.AdapterUse

// setOf brings the adapters of a request into that form.
func setOf(uses []serving.AdapterUse) (adapterSet, error) {
	if len(uses) == 0 {
		return nil, nil
	}
	var set adapterSet
	for _, u := range slices.SortedStableFunc(slices.Values(uses), func(a, b serving.AdapterUse) int {
		return cmp.Or(cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Weight, b.Weight))
	}) {
		if n := len(set); n > 0 && set[n-1].Generation == u.Generation {
			set[n-1].Weight += u.Weight
		} else {
			set = append(set, u)
		}
	}
	for _, u := range set {
		if w := float64(u.Weight); math.IsNaN(w) || math.IsInf(w, 0) {
			return nil, &serving.ParamError{Param: "adapters", Message: fmt.Sprintf("the weight %v of adapter %s is not a finite number", u.Weight, u.Generation)}
		}
		if u.Generation == "" {
			return nil, &serving.ParamError{Param: "adapters", Message: "an adapter has no generation"}
		}
	}
	set = slices.DeleteFunc(set, func(u serving.AdapterUse) bool { return u.Weight == 0 })
	if len(set) == 0 {
		return nil, nil
	}
	return set, nil
}

// key names the set. Two sets have equal keys only if they are equal: each
// generation is told with its length, each weight to the bit.
func (s adapterSet) key() string {
	var b strings.Builder
	for _, u := range s {
		fmt.Fprintf(&b, "%d:%s*%08x;", len(u.Generation), u.Generation, math.Float32bits(u.Weight))
	}
	return b.String()
}

func (s adapterSet) generations() []string {
	out := make([]string, len(s))
	for i, u := range s {
		out[i] = u.Generation
	}
	return out
}

// weighted joins the weights to the adapters, which are in the order of the set.
func (s adapterSet) weighted(adapters []*model.Adapter) []model.Weighted {
	out := make([]model.Weighted, len(s))
	for i, u := range s {
		out[i] = model.Weighted{Adapter: adapters[i], Weight: u.Weight}
	}
	return out
}
