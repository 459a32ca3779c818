"""The strings that tokenizers are compared on: written or made up here, none taken from elsewhere.

corpus() is the same list on every run: hand-picked cases first, then prose, code, Unicode blocks, white space,
digits, control tokens, contractions and mixtures, from a seeded generator.
"""
import random

HAND = [
    "", " ", "  ", "   ", "\n", "\n\n", "\n\n\n", "\t", "\t\t", "\r\n", "\r", "a", " a", "a ", "  a  ", "ab", "Hello world", "Hello, world!", " Hello", "hello  world",
    "don't DON'T we'LL I'm I'M 'S 'tis y'all", "it's 5 o'clock", "'s't're've'm'll'd", "'S'T'RE'VE'M'LL'D", "'ſ it'ſ", "''s ''ll", "we’re ‘quoted’ “x”", "l'été qu'il d'abord",
    "1", "12", "123", "1234", "12345", "123456789012345678901234567890", "3.14159e-10", "1,000,000.00", "٠١٢٣٤٥", "½ ² Ⅷ 四五", "a1b2c3", "v1.2.3-rc.4+build", "$100 €50 ¥300", "10:30PM", "x²+y³=①",
    "a\r\nb\r\n\r\nc", "line1\nline2\n\n\nline3", "trailing   ", "   leading", "tab\tsep\tvals", "\u00a0nbsp\u2003em\u3000ideo", "zero\u200bwidth\u200djoin\ufeffbom", "\u0000nul\u0001\u0007\u001b[31m", "\x7f\x80\x9f", "\u2028\u2029\u0085", "a\u2028b", "\u180e x", "\v\f\x1c\x1d\x1e\x1f x",
    "e\u0301 vs \u00e9", "Å \u212b A\u030a", "ﬁ ligature ﬃ", "Ａｂｃ　１２３", "ﷺ", "𝕳𝖊𝖑𝖑𝖔 𝒲𝑜𝓇𝓁𝒹", "İstanbul ıI ß ẞ ŉ", "ǅ ǆ Ǆ ʰ ˢ", "\u1100\u1161\u11a8 각", "q\u0307\u0323 q\u0323\u0307", "a\u0300\u0301\u0302\u0303\u0304", "\u0300start", "각\u11a8", "\u09c7\u09be \u0b47\u0b3e", "\u1e9b\u0323", "a" + "\u0323\u0301" * 20 + "b", "ΑΣ ΑΣΑ Σ",
    "👍🏽👨‍👩‍👧‍👦🏳️‍🌈🇫🇷🇺🇸", "☕☺️❤️", "a👍b", "😀😃😄", "\U0001f468\u200d\U0001f469", "\U0010ffff", "\ufffd", "\ufdd0", "\ue000", "𐍈𐌰", "\U000e0041\U000e007f",
    "日本語のテキスト", "中文字符，测试。", "한국어 텍스트", "ไทยภาษา", "हिन्दी पाठ", "العربية نص", "עברית שָׁלוֹם", "Ελληνικά", "Русский текст", "Việt Nam đẹp", "Türkçe ığüşöç", "ქართული", "Հայերեն", "မြန်မာ", "አማርኛ", "ᏣᎳᎩ", "ᠮᠣᠩᠭᠣᠯ", "தமிழ்", "తెలుగు", "বাংলা",
    "__init__ self._x", "fooBarBaz_qux", "HTMLParser XMLHttpRequest iPhone eBay", "http://example.com/a?b=c&d=%20#frag", "user@example.com", "C:\\path\\to\\file", "/usr/bin/env", "<html><body class=\"x\">", "<h1>T</h1>\n<table><tr><td>", "{\"key\": [1, 2, null]}", "!!!???...", "-----=====*****", "((((([[[[[{{{{{", "#include <stdio.h>", "for(i=0;i<10;i++){", "    if x == 1:\n        return\n", "\n    \n        x", "\n \n", "\n\n ", "a \n b", "a\n\n\n b", "  \n\n  text", " \n \n ", "a//b\n//c/\r\n/", "…—–", "№ ™ ©", "->\n", ".\n\n.", ") \n", "a >▁</ b",
    "a" * 300, "ab" * 200, " " * 100, "\n" * 50, "\t" * 33, "0" * 50, "." * 70, "あ" * 60, "é" * 40, " a" * 60, "▁" * 40, "A" * 64, "aA" * 40, "\r\n" * 20, "=" * 200, "👍" * 20, "ab " * 50, "x" * 120 + " y",
    "<|im_start|>user\nhi<|im_end|>", "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nx<|eot_id|>", "<s>[INST] hi [/INST]</s>", "<start_of_turn>user\nhi<end_of_turn>\n", "<|endoftext|>", "<bos>x<eos>", "<unk>", "<pad> <mask>", "<0x0A><0x41>", "▁already▁meta", "Ġbyte Ċlevel", "x<|im_end|> y", "  <|im_end|>  ", "<|im_end|><|im_end|>", "<think>\nr\n</think>\n\n", "<tool_call>\n{}\n</tool_call>", "<|im_end", "| im_end|>", "<<|im_end|>>", "<s><s>", "a<s>b", "[CLS] a [SEP]", "[MASK]", "[PAD][UNK]", "##ing ##", "<|im_start|", "<unused12>", "[multimodal]", "<|fim_prefix|>def", "<repo_name>x<file_sep>", "  \u2581  \u2581", "▁▁a ▁ b",
]

WORDS = ("the of and to in is that for it was on are as with his they at be this from have or by one had not but what all were when we there can an your which their said if do will each about how up out them then she many some so these would other into has more her two like him see time could no make than first been its who now people my made over did down only way find use may water long little very after words called just where most know get through back much before go good new write our used me man too any day same right look think also around another came come work three word must because does part even place well such here take why things help put years different away again off went old number great tell men say small every found still between name should home big give air line set own under read last never us left end along while might next sound below saw something thought both few those always looked show large often together asked house world going want school important until form food keep children feet land side without boy once animals life enough took sometimes four head above kind began almost live page got earth need far hand high year mother light parts country father let night following picture being study second eyes soon times story boys since white days ever paper hard near sentence better best across during today others however sure means knew its try told young miles sun ways thing whole hear example heard several change answer room sea against top turned learn point city play toward five using himself usually money seen car morning given tokenizer vocabulary gradient neural network transformer attention embedding normalisation quantised inference").split()
LATIN = ("élève naïve façade über straße größe mañana señor coração não ação être œuvre żółć łódź ďábel kůň žluťoučký háček ångström øre æble þórr niño piñata crêpe smörgåsbord jalapeño résumé Köln Zürich São Москва Αθήνα").split()
NAMES = "value count index result total item node left right name path data size length offset buffer cache token key list map parse read write find load store encode decode update remove insert handle process create open close next previous first last".split()
TYPES = "int string float bool byte error Node List Map Option Result u32 i64 f64 char void".split()
BLOCKS = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x180, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1E00, 0x1EFF), (0x1F00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x209F), (0x20A0, 0x20CF), (0x2100, 0x214F), (0x2150, 0x218F), (0x2200, 0x22FF), (0x2460, 0x24FF), (0x2500, 0x257F), (0x3000, 0x303F), (0x3040, 0x30FF), (0x3200, 0x33FF), (0x3400, 0x34FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFB00, 0xFB4F), (0xFB50, 0xFDFF), (0xFE00, 0xFE0F), (0xFF00, 0xFFEF), (0x10400, 0x1044F), (0x1D400, 0x1D7FF), (0x1F300, 0x1F6FF), (0x1F900, 0x1F9FF), (0x20000, 0x200FF),
]
CONTROL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|begin_of_text|>", "<s>", "</s>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<|user|>", "<think>", "</think>", "<tool_call>", "[INST]", "<unused12>", "<|python_tag|>", "[CLS]", "[SEP]", "[MASK]", "<unk>", "<pad>", "<extra_id_0>"]


def prose(rnd):
    out = []
    for _ in range(rnd.randint(1, 3)):
        words = [rnd.choice(LATIN) if rnd.random() < 0.08 else rnd.choice(WORDS) for _ in range(rnd.randint(3, 16))]
        for i in range(len(words) - 1):
            words[i] += rnd.choices(["", ",", ";", ":", "'s", "n't", " -", "…", "'ll"], [88, 5, 1, 1, 2, 1, 1, 1, 1])[0]
        if rnd.random() < 0.3:
            words.insert(rnd.randrange(len(words)), rnd.choice(["42", "1984", "3.5", "100%", "$7", "(sic)", '"yes"', "U.S.", "e.g."]))
        out.append(" ".join(words).capitalize() + rnd.choice([".", "!", "?", ".", "...", ""]))
    return rnd.choice([" ", " ", "\n", "\n\n", "  "]).join(out)


def code(rnd):
    n, t = (lambda: rnd.choice(NAMES)), (lambda: rnd.choice(TYPES))
    camel = lambda: n() + n().capitalize()
    forms = [
        lambda: f"func {camel()}({n()} {t()}, {n()} []{t()}) ({t()}, error) {{\n\tif {n()} == nil {{\n\t\treturn nil, fmt.Errorf(\"{n()}: %w\", err)\n\t}}\n\treturn {camel()}({n()}), nil\n}}\n",
        lambda: f"def {n()}_{n()}(self, {n()}: {t()} = {rnd.randint(0, 999)}) -> {t()}:\n    \"\"\"{prose(rnd)}\"\"\"\n    for {n()} in range({rnd.randint(0, 99)}):\n        self.{n()}[{n()}] += {rnd.random():.4f}\n    return not {n()}\n",
        lambda: f"for (int i = 0; i < {n()}.{n()}(); ++i) {{ {n()}[i] |= 0x{rnd.randrange(1 << 32):08X}u << {rnd.randint(0, 31)}; }} // {prose(rnd)}\n",
        lambda: f"<div class=\"{n()}-{n()}\"><a href='/{n()}/{rnd.randint(1, 9999)}?{n()}=1&amp;{n()}=%20'>{prose(rnd)}</a></div>\n",
        lambda: "{" + ", ".join(f'"{n()}": {rnd.choice(["null", "true", "[]", str(rnd.randint(-99, 99999)), repr(rnd.random()), chr(34) + n() + chr(34)])}' for _ in range(rnd.randint(1, 6))) + "}",
        lambda: f"SELECT {n()}, COUNT(*) FROM {n()}s WHERE {n()} >= {rnd.randint(0, 9999)} AND {n()} LIKE '%{n()}%' GROUP BY 1;\n",
        lambda: f"let mut {n()}: Vec<{t()}> = {n()}.iter().map(|x| x?.{n()}::<{t()}>()).collect();\n",
        lambda: f"# {n().capitalize()}\n\n- **{n()}**: `{camel()}()`\n- [{n()}](https://example.org/{n()}#{n()})\n\n```sh\n$ {n()} --{n()}={rnd.randint(1, 64)} | grep -v '^#' > /tmp/{n()}.txt\n```\n",
    ]
    return rnd.choice(forms)()


def corpus():
    rnd = random.Random(20240817)
    out = list(HAND)
    out += [prose(rnd) for _ in range(260)]
    out += [code(rnd) for _ in range(240)]
    for a, b in BLOCKS:
        for _ in range(9):
            out.append("".join(chr(rnd.randint(a, b)) if rnd.random() < 0.8 else rnd.choice([" ", "\n", "a", "1", "  ", ".", "'s"]) for _ in range(rnd.randint(3, 32))))
    for _ in range(160):
        out.append("".join(chr(rnd.randint(*rnd.choice(BLOCKS))) for _ in range(rnd.randint(2, 24))))
    for _ in range(200):
        out.append("".join(rnd.choice([" ", "  ", "\n", "\t", "\r\n", "\r", "\u00a0", "\u3000", "x", "1", "!", "é", "\u2003", " a", "'"]) for _ in range(rnd.randint(2, 32))))
    for _ in range(90):
        out.append("".join(rnd.choice("0123456789" + ".,- eE" + "٣४½") for _ in range(rnd.randint(1, 40))))
    for _ in range(150):
        out.append("".join(rnd.choice(CONTROL + ["hi", " hi", "\n", " ", "user", "1", "é"]) for _ in range(rnd.randint(1, 10))))
    for _ in range(100):
        out.append("".join(rnd.choice(["'s", "'S", "'ll", "'LL", "'re", "'", "a", "B", "É", "ß", "ʰ", "中", "\u0301", " ", "/", "\n", "-"]) for _ in range(rnd.randint(2, 20))))
    return [s for s in out if not any(0xD800 <= ord(c) < 0xE000 for c in s)]


if __name__ == "__main__":
    c = corpus()
    print(len(c), sum(len(s.encode()) for s in c))
