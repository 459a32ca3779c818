package lint

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// signs of text that a model wrote and nobody read.
var signs = []struct {
	name string
	at   func() *regexp.Regexp
	most float64 // share of rows up to which it may be chance
}{
	{"speaks of itself as an AI", pattern(`(?i)\bas an? (AI|artificial intelligence|(large )?language model)\b|\bI(?:'|’)?m (just |only )?an? (AI|language model)\b|\bI am an? (AI|language model)\b|my (knowledge|training) (cut-?off|data)`), 0},
	{"refuses", pattern(`(?i)^\W*(I(?:'|’)m sorry,? but|I(?:'|’)?m (unable|not able) to|I (cannot|can(?:'|’)t|can not) (assist|help|provide|fulfil|comply|answer)|(sorry|unfortunately),? (but )?I (cannot|can(?:'|’)t|am unable))`), 0},
	{"begins with a phrase of models", pattern(`(?i)^\W*(certainly[!,.]|of course[!,.]|sure( thing)?[!,.]|absolutely[!,.]|great question|here(?:'|’)s (a|an|the) |here is (a|an|the) (possible |revised |rewritten )?(answer|response|version|summary|list|example)|I(?:'|’)d be happy to)`), 0.03},
	{"ends with a phrase of models", pattern(`(?i)(let me know if (you|there)|I hope this helps|feel free to (ask|reach)|is there anything else (I|you))[^\n]*$`), 0.03},
	{"has a placeholder", pattern(`\[(?i:your|insert|company|name|date|add)[^\]\n]{0,40}\]|\{\{[^}\n]{1,40}\}\}|<(?i:insert|your)[^>\n]{1,40}>|(?i)\blorem ipsum\b|\bTODO\b`), 0},
}

// machine looks for answers that seem to be written by a model and checked by nobody.
func machine(ctx context.Context, in *Input) ([]Finding, error) {
	var out []Finding
	for _, s := range signs {
		var list []int
		text := ""
		for i := range in.Set.Rows {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			r := &in.Set.Rows[i]
			answer := strings.TrimSpace(r.Answer())
			if m := s.at().FindStringIndex(answer); m != nil {
				if list = append(list, r.Line); text == "" {
					text = fmt.Sprintf("line %d: %s", r.Line, excerpt(answer, m[0]))
				}
			}
		}
		if len(list) == 0 || float64(len(list)) <= s.most*float64(len(in.Set.Rows)) {
			continue
		}
		f := lines("machine_made", list)
		f.Message, f.Evidence = fmt.Sprintf("the answer %s in %d of %d rows", s.name, len(list), len(in.Set.Rows)), text
		f.Fix = "read these rows: the model will learn the habit"
		out = append(out, f)
	}
	return out, nil
}
