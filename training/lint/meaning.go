package lint

import (
	"context"
	"fmt"

	"graft/training/dataset"
)

// alike is the cosine from which on two prompts are taken to ask the same.
const alike = 0.95

// mostEmbedded bounds the rows of a file that are turned into vectors.
const mostEmbedded = 2000

// meaning looks for rows of other files that ask in other words what is trained on.
// Of large files it looks at a sample.
func meaning(ctx context.Context, in *Input) ([]Finding, error) {
	if in.Embedder == nil || len(in.Others) == 0 || len(in.Set.Rows) == 0 {
		return nil, nil
	}
	embed := func(list []dataset.Row) (some []dataset.Row, texts []string, vectors [][]float32, err error) {
		some = spread(list, mostEmbedded)
		texts = make([]string, len(some))
		for i := range texts {
			texts[i] = some[i].Asked()
		}
		vectors, err = in.Embedder.Embed(ctx, texts)
		if err == nil && len(vectors) != len(texts) {
			err = fmt.Errorf("%d vectors of %d texts", len(vectors), len(texts))
		}
		return some, texts, vectors, err
	}
	our, texts, ours, err := embed(in.Set.Rows)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, other := range in.Others {
		their, asked, theirs, err := embed(other.Rows)
		if err != nil {
			return nil, err
		}
		var list []int
		text := ""
		for i, a := range theirs {
			for j, b := range ours {
				if asked[i] == texts[j] || cosine(a, b) < alike {
					continue
				}
				if list = append(list, their[i].Line); text == "" {
					text = fmt.Sprintf("line %d of %s, line %d of the training file: %q, %q", their[i].Line, other.Name, our[j].Line, excerpt(asked[i], 0), excerpt(texts[j], 0))
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
			if len(our) < len(in.Set.Rows) || len(their) < len(other.Rows) {
				f.Evidence += fmt.Sprintf("; %d of %d rows were compared with %d of %d", len(their), len(other.Rows), len(our), len(in.Set.Rows))
			}
			f.Fix = "look at them: what was trained on proves nothing"
			out = append(out, f)
		}
	}
	return out, nil
}

// spread is at most so many rows, evenly spread over the list.
func spread(list []dataset.Row, most int) []dataset.Row {
	if len(list) <= most {
		return list
	}
	out := make([]dataset.Row, most)
	for i := range out {
		out[i] = list[i*len(list)/most]
	}
	return out
}

// cosine of vectors of length 1.
func cosine(a, b []float32) (sum float32) {
	for i := range min(len(a), len(b)) {
		sum += a[i] * b[i]
	}
	return sum
}
