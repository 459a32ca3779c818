package api

import "graft/serving"

// prompt is text, or token ids when ids is not nil.
type prompt struct {
	text string
	ids  []int32
}

// maxPromptIDs bounds the ids of one prompt; no model here holds more.
const maxPromptIDs = 1 << 20

// prompts reads OpenAI's four forms of a prompt or an input: a string, a list of
// strings, token ids, or a list of lists of token ids.
func prompts(v value, limit int) []prompt {
	switch v.kind() {
	case "string":
		return []prompt{{text: v.string()}}
	case "array":
	default:
		v.wrongType("a string, an array of strings, or token ids")
		return nil
	}
	var list []prompt
	first := value{v.d, v.path, firstItem(v.raw)}
	switch {
	case first.raw == nil:
		v.d.fail(invalid(v.path, "empty_array", "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", v.path))
	case first.kind() == "integer":
		list = []prompt{{ids: tokenIDs(v, maxPromptIDs)}}
	case first.kind() == "array":
		v.items(limit, func(_ int, item value) {
			ids := tokenIDs(item, maxPromptIDs)
			if len(ids) == 0 {
				v.d.fail(invalid(item.path, "empty_array", "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", item.path))
			}
			list = append(list, prompt{ids: ids})
		})
	default:
		v.items(limit, func(_ int, item value) { list = append(list, prompt{text: item.string()}) })
	}
	return list
}

// firstItem is the first item of a valid JSON array, or nil.
func firstItem(raw []byte) []byte {
	i := skipSpace(raw, 1)
	if raw[i] == ']' {
		return nil
	}
	return raw[i:skipValue(raw, i)]
}

// of is base with this prompt.
func (p prompt) of(base *serving.Request) *serving.Request {
	r := *base
	r.Prompt, r.PromptIDs = p.text, p.ids
	return &r
}
