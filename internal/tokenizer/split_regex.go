package tokenizer

import "fmt"

const letters = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|`
const afterDigits = ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
const capitals = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`

// known maps the regular expressions of Split pre-tokenizers to the splitters
// that do what they do. They are compared letter by letter.
var known = map[string]splitter{
	letters + `\p{N}{1,3}|` + afterDigits:                                        llama3,
	letters + `\p{N}|` + afterDigits:                                             qwen2,
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`: gpt2,
}

// readSplit returns the splitter for a Split pre-tokenizer.
func readSplit(p jsonPattern, behavior string, invert bool) (splitter, error) {
	if p.Regex == nil {
		return nil, fmt.Errorf("Split without a regular expression is not supported")
	}
	split, ok := known[*p.Regex]
	if !ok {
		return nil, fmt.Errorf("Split with the regular expression %s is not known", *p.Regex)
	}
	if behavior == "Removed" && invert || behavior == "Isolated" {
		return split, nil
	}
	return nil, fmt.Errorf("Split with behavior %s, invert %v is not supported", behavior, invert)
}
