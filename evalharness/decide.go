package evalharness

// unanswered counts the cases that one of two arms has no answer to, for reasons that
// are not its own.
func unanswered(a, b *Arm) (n int) {
	for i := range a.Answers {
		if a.Answers[i].Unanswered || b.Answers[i].Unanswered {
			n++
		}
	}
	return n
}

// clusters numbers the cases' sources; nil where each case is its own.
func clusters(cases []Case) []int {
	number := map[string]int{}
	out := make([]int, len(cases))
	some := false
	for i := range cases {
		name := cases[i].Cluster
		if name == "" {
			name = "\x00" + cases[i].ID
		} else {
			some = true
		}
		if _, ok := number[name]; !ok {
			number[name] = len(number)
		}
		out[i] = number[name]
	}
	if !some {
		return nil
	}
	return out
}
