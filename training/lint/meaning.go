package lint

import (
	"context"
	"fmt"
)

// alike is the cosine from which on two prompts are taken to ask the same.
const alike = 0.95

// mostCompared bounds the products of vectors of one file.
const mostCompared = 1 << 28

// meaning looks for rows of other files that ask in other words what is trained on.
func meaning(ctx context.Context, in *Input) ([]Finding, error) {
	if in.Embedder == nil || len(in.Others) == 0 || len(in.Set.Rows) == 0 {
		return nil, nil
	}
	texts := make([]string, len(in.Set.Rows))
	for i := range texts {
		texts[i] = in.Set.Rows[i].Asked()
	}
	ours, err := in.Embedder.Embed(ctx, texts)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, other := range in.Others {
		asked := make([]string, len(other.Rows))
		for i := range asked {
			asked[i] = other.Rows[i].Asked()
		}
		theirs, err := in.Embedder.Embed(ctx, asked)
		if err != nil {
			return nil, err
		}
		if len(ours) != len(texts) || len(theirs) != len(asked) {
			return nil, fmt.Errorf("%d vectors of %d texts", len(ours)+len(theirs), len(texts)+len(asked))
		}
		if len(ours)*len(theirs) > mostCompared {
			ours = ours[:max(mostCompared/len(theirs), 1)]
		}
		var list []int
		text := ""
		for i, a := range theirs {
			for j, b := range ours {
				if cosine(a, b) < alike || asked[i] == texts[j] {
					continue
				}
				if list = append(list, other.Rows[i].Line); text == "" {
					text = fmt.Sprintf("line %d of %s, line %d of the training file: %q, %q", other.Rows[i].Line, other.Name, in.Set.Rows[j].Line, excerpt(asked[i], 0), excerpt(texts[j], 0))
				}
				break
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		if len(list) > 0 {
			f := lines("contamination", list)
			f.File, f.Message, f.Evidence = other.Name, rows(f.Count)+" asking in other words what the training file asks", text
			f.Fix = "look at them: what was trained on proves nothing"
			out = append(out, f)
		}
	}
	return out, nil
}

// cosine of vectors of length 1.
func cosine(a, b []float32) (sum float32) {
	for i := range min(len(a), len(b)) {
		sum += a[i] * b[i]
	}
	return sum
}
