package tokenizer

import "fmt"

// Parts of the patterns below.
const (
	words         = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+`
	possessive    = `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+`
	signsAndSpace = ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	signsSlash    = ` ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	endsInLower   = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`
	beginsInUpper = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`
	endings       = `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
)

// pattern is what a known regular expression does.
type pattern struct {
	split splitter
	total bool // it matches every text from end to end
}

// known maps the regular expressions of Split pre-tokenizers to splitters.
// They are compared letter by letter.
var known = map[string]pattern{
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`: {gpt2, true},
	`\p{N}`:      {digits, false},
	`\p{N}+`:     {digitRuns, false},
	`\p{N}{1,3}`: {deepseekNumbers, false}, // DeepSeek V3

	words + `|\p{N}{1,3}|` + signsAndSpace:                              {llama3, true},
	words + `|\p{N}|` + signsAndSpace:                                   {qwen2, true},
	words + `|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+`: {cl100k{digits: 1, word: letter, plain: true}.split, true}, // Seed-Coder
	// cl100k_base as OpenAI writes it: what is possessive or single here makes no difference.
	possessive + `|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`: {llama3, true},
	// Qwen 3.5: marks belong to words.
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: {qwen35, true},

	// gpt-oss, GPT-4o and Llama 4; Tekken.
	endsInLower + endings + `|` + beginsInUpper + endings + `|\p{N}{1,3}|` + signsSlash: {gptOSS, true},
	endsInLower + `|` + beginsInUpper + `|\p{N}|` + signsSlash:                          {tekken, true},

	// DeepSeek V3, after its numbers.
	`[一-龥぀-ゟ゠-ヿ]+`: {deepseekCJK, false},
	"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+": {deepseekWords, false},
}

// readSplit returns the splitter for a Split pre-tokenizer.
func readSplit(p jsonPattern, behavior string, invert bool) (splitter, error) {
	switch {
	case p.String != nil && *p.String != "":
		return splitAt(literal(*p.String), behavior, invert)
	case p.Regex == nil:
		return nil, fmt.Errorf("Split without a pattern is not supported")
	}
	k, ok := known[*p.Regex]
	if !ok {
		return nil, fmt.Errorf("Split with the regular expression %s is not known", *p.Regex)
	}
	if behavior == "Isolated" || behavior == "Removed" && invert && k.total {
		return k.split, nil
	}
	return nil, fmt.Errorf("Split with behavior %s, invert %v and the regular expression %s is not supported", behavior, invert, *p.Regex)
}
