package tokenizer

import "unicode"

// bertNormaliser lists the steps of BERT's basic tokeniser before it splits.
func bertNormaliser(clean, chinese, accents, lower bool) normalisers {
	var list normalisers
	if clean {
		list = append(list, runeMap(bertClean))
	}
	if chinese {
		list = append(list, runeMap(spaceChinese))
	}
	if accents {
		list = append(list, forms["NFD"], runeMap(dropNonspacing))
	}
	if lower {
		list = append(list, runeMap(lowercase))
	}
	return list
}

// bertClean takes control characters away and makes all white space spaces.
func bertClean(r rune) (string, bool) {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return " ", true
	case r == 0, r == unicode.ReplacementChar, classOf(r)&control != 0 && !unicode.Is(bertKeeps, r):
		return "", true
	case unicode.IsSpace(r):
		return " ", r != ' '
	}
	return "", false
}

// spaceChinese puts spaces around ideographs.
func spaceChinese(r rune) (string, bool) {
	if r < 0x3400 {
		return "", false
	}
	for _, block := range ideographs {
		if r >= block[0] && r <= block[1] {
			return " " + string(r) + " ", true
		}
	}
	return "", false
}

// ideographs are BERT's blocks of them; 2B920 where 2B820 was meant
// (tokenizers, normalizers/bert.rs).
var ideographs = [][2]rune{
	{0x4E00, 0x9FFF}, {0x3400, 0x4DBF}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
	{0x2B920, 0x2CEAF}, {0xF900, 0xFAFF}, {0x2F800, 0x2FA1F},
}

// dropNonspacing takes away what BERT's tables call a nonspacing mark.
func dropNonspacing(r rune) (string, bool) {
	return "", r >= 0x300 && (unicode.Is(unicode.Mn, r) && !unicode.Is(bertMarks, r) || r == 0x1734)
}
