"""Tiny tokenizers of every kind, trained on the strings of tokenizer_corpus.py, and what Hugging Face makes of them.

    python reference/tokenizer_tiny.py

writes internal/tokenizer/testdata/tiny/: models.json.gz, the tokenizer.json files that the variants start from, and
variants.json.gz, a list of variants: which model, which parts of it are replaced by what, and the result for the
strings named in "strings". A result is the ids, the decoded text and the decoded text without special tokens: in full
for the first ones, and a CRC-32 of the three for each. sentencepiece.json.gz has models as a GGUF file holds them, two
of them trained by sentencepiece. splits.json.gz and unicode.json.gz look closer at pre-tokenizers and Unicode tables.
"""
import base64
import copy
import io
import json
import os
import random
import struct
import tempfile
import zlib

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2 as sp_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers.convert_slow_tokenizer import generate_merges

from tokenizer import write
from tokenizer_corpus import HAND, corpus

STRINGS = corpus()
CHOSEN = [i for i in range(len(STRINGS)) if i < 280 or i % 2]
READABLE = len(HAND) + 500  # after these the corpus is random characters
FULL = 40
VERSIONS = {"script": "reference/tokenizer_tiny.py", "tokenizers": tokenizers.__version__, "sentencepiece": sentencepiece.__version__}

WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SLASH = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LOWER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
UPPER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
REGEXES = {
    "llama3": WORDS + r"|\p{N}{1,3}|" + SIGNS,
    "qwen2": WORDS + r"|\p{N}|" + SIGNS,
    "qwen3.5": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    "seed-coder": WORDS + r"|\p{N}{1}| ?[^\s\p{L}\p{N}" + "\\r\\n" + r"]+|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt-oss": LOWER + ENDINGS + "|" + UPPER + ENDINGS + r"|\p{N}{1,3}|" + SLASH,
    "tekken": LOWER + "|" + UPPER + r"|\p{N}|" + SLASH,
    "gpt2-split": GPT2,
}
DEEPSEEK = [
    r"\p{N}{1,3}",
    "[一-龥\u3040-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
]
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def text():
    """What the tiny models are trained on: a third of the corpus, without its longest runs."""
    rnd = random.Random(5)
    return [s for s in STRINGS if 0 < len(s) < 400 and rnd.random() < 0.4 and not any(c in s for c in ("<|", "\0"))]


def split(regex, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert}


def sequence(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def byte_level():
    """Merges that cross spaces, digits and signs, so that every cut shows."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tok.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tok.train_from_iterator(text(), trainers.BpeTrainer(vocab_size=1500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=special, show_progress=False))
    tok.add_tokens(["<think>", "</think>"])
    return json.loads(tok.to_str())


def sentence_piece(kind, **options):
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as rules:
        # Ａ → A and so on, é in two code points, one to many, many to one, one to nothing, a space
        for i in range(26):
            rules.write(f"{0xFF21 + i:X}\t{0x41 + i:X}\n")
        rules.write("65 301\tE9\nFB01\t66 69\n2026\t2E 2E 2E\nAD\t\nA0\t20\n9\t20\nA\t20\nD\t20\n3000\t20\nD A\t20\n2460\t31\n1100 1161\tAC00\n41 30A\tC5\n212B\tC5\n")
        rules.flush()
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter([s.replace("\n", " ") for s in text() if STRINGS.index(s) < READABLE]), model_writer=out, model_type=kind, vocab_size=options.pop("size"),
            normalization_rule_tsv=rules.name, character_coverage=0.99, num_threads=1, minloglevel=2, hard_vocab_limit=False, **options)
    m = sp_pb2.ModelProto()
    m.ParseFromString(out.getvalue())
    return m


def added(tokens, **flags):
    base = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [{"id": i, "content": t, **base, **flags} for i, t in tokens]


def sp_bpe():
    m = sentence_piece("bpe", size=1400, byte_fallback=True)
    vocab = {p.piece: i for i, p in enumerate(m.pieces)}
    scores = {p.piece: p.score for p in m.pieces}
    merges = generate_merges(vocab, scores, skip_tokens={p.piece for p in m.pieces if p.type != 1})
    return m, {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added([(0, "<unk>"), (1, "<s>"), (2, "</s>")]),
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": None,
        "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False, "vocab": vocab, "merges": [list(p) for p in merges]},
    }


def runs(spbpe):
    """Tokens that can be made in several ways, and tokens of equal score: what goes first shows."""
    pieces = [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3)] + [(f"<0x{i:02X}>", 0, 6) for i in range(256)]
    for i, t in enumerate("▁ a b e t h o aa ▁▁ ab ba aaa ▁▁▁ aab abb ▁a ▁▁a aaaa ▁▁▁▁ th he the ▁the ▁th bab aba abab aaaaaa aaaaa ▁t oo ooo oth".split()):
        pieces.append((t, -(i // 3), 1))
    vocab, scores = {p: i for i, (p, _, _) in enumerate(pieces)}, {p: s for p, s, _ in pieces}
    merges = generate_merges(vocab, scores, skip_tokens={p for p, _, kind in pieces if kind != 1})
    return pieces, {**spbpe, "model": {**spbpe["model"], "vocab": vocab, "merges": [list(p) for p in merges]}}


def run_cases(file):
    rnd = random.Random(2)
    tok = Tokenizer.from_str(json.dumps(file))
    texts = ["".join(rnd.choice(["a", "b", "a", "b", " ", "th", "o"]) for _ in range(rnd.randint(2, 40))) for _ in range(400)]
    return {"texts": texts, "ids": [tok.encode(s, add_special_tokens=False).ids for s in texts]}


def squeezed(proto):
    """sentencepiece's own ids, with extra spaces removed and nothing replaced; it parses no control tokens."""
    m = copy.deepcopy(proto)
    m.normalizer_spec.precompiled_charsmap = b""
    assert m.normalizer_spec.remove_extra_whitespaces
    sp = sentencepiece.SentencePieceProcessor(model_proto=m.SerializeToString())
    return [zlib.crc32(struct.pack(f"<{len(ids)}i", *ids)) for ids in (sp.encode(STRINGS[i].replace("\0", " ")) for i in CHOSEN)]


SPLIT_UNITS = [
    "a", "B", "z", "É", "ß", "ǅ", "ʰ", "ª", "中", "龥", "龦", "ぁ", "ヿ", "\u0301", "\u0903", "\u20dd", "1", "٣", "Ⅷ", "½", "²", "㉈", "!", ".", "/", "'", "’", "_", "-", "(", "$", "+", "^", "`", "~", "|", "©", "€", "👍",
    " ", "  ", "\n", "\r\n", "\r", "\t", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", "\u200d", "\u00ad", "\x00", "\x1f", "\ue000", "\u0378", "\U0010ffff", "\U00010d4a", "\U00010d50", "\U000105c0",
    "'s", "'S", "'ſ", "'t", "'re", "'RE", "'Ve", "'ll", "'lL", "'M", "'d", "'l", "'r", "ab", "Ab", "AB", "aB", "12", "1234", " a", " A", " 1", " !", " \u0301", "\n ", " \n", "/\n", "!\n", "!/", "//", "\n/", " '", "'1", "a\u0301", "\u0301a", "\u0301A", "@a", "#A", "[é",
]


def split_cases():
    """The pieces that the pre-tokenizers of the byte-level variants make of strings put together from awkward parts."""
    rnd = random.Random(11)
    strings = ["".join(rnd.choice(SPLIT_UNITS) for _ in range(rnd.randint(1, 9))) for _ in range(2500)]
    by_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    plain = {**{k: split(r) for k, r in REGEXES.items()}, "gpt2": by_bytes, "smollm": sequence({"type": "Digits", "individual_digits": True}, by_bytes), "deepseek3": sequence(*[split(r) for r in DEEPSEEK]), "bert": {"type": "BertPreTokenizer"}, "words": {"type": "Whitespace"}}
    out = {}
    for name, pre in plain.items():
        tok = Tokenizer(models.BPE())
        tok = Tokenizer.from_str(json.dumps({**json.loads(tok.to_str()), "pre_tokenizer": pre}))
        sums = []
        for s in strings:
            pieces = [s[a:b] for _, (a, b) in tok.pre_tokenizer.pre_tokenize_str(s)]
            sums.append(zlib.crc32("\0\0".join(pieces).encode()) & 0xFFFF)
        out["bytelevel-" + name] = base64.b64encode(struct.pack(f"<{len(sums)}H", *sums)).decode()
    return {**VERSIONS, "strings": strings, "crc16": out}


def unicode_cases():
    """A CRC-32 of what each class has and each normaliser makes of every code point up to U+32000."""
    points = [c for c in range(0x32000) if not 0xD800 <= c < 0xE000]
    text = "".join(map(chr, points))
    out = {}
    for name in ["L", "Lu", "Lt", "Ll", "Lm", "Lo", "M", "N", "P", "S"]:
        have = [ord(c) for piece, _ in pre_tokenizers.Split(Regex(rf"\p{{{name}}}"), "removed", invert=True).pre_tokenize_str(text) for c in piece]
        out[name] = zlib.crc32(struct.pack(f"<{len(have)}i", *have))
    have = [ord(c) for piece, _ in pre_tokenizers.Split(Regex(r"\s"), "removed", invert=True).pre_tokenize_str(text) for c in piece]
    out["s"] = zlib.crc32(struct.pack(f"<{len(have)}i", *have))
    bert, words = pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Whitespace()
    have = [c for c in points if len(words.pre_tokenize_str("a" + chr(c) + "b")) == 1]
    out["w"] = zlib.crc32(struct.pack(f"<{len(have)}i", *have))
    have = [c for c in points if len(bert.pre_tokenize_str("a" + chr(c) + "b")) == 3]
    out["BertPreTokenizer"] = zlib.crc32(struct.pack(f"<{len(have)}i", *have))
    for name, n in [("BertNormalizer", normalizers.BertNormalizer()), ("Lowercase", normalizers.Lowercase()), ("StripAccents", normalizers.StripAccents()), ("Nmt", normalizers.Nmt()), ("NFC", normalizers.NFC()), ("NFD", normalizers.NFD()), ("NFKC", normalizers.NFKC()), ("NFKD", normalizers.NFKD())]:
        # U+11938 came apart only later than tokenizers' tables.
        out[name] = zlib.crc32("\0".join(n.normalize_str(chr(c)) for c in points if c != 0x11938).encode())
    return {**VERSIONS, "crc32": out}


def unigram():
    m = sentence_piece("unigram", size=1200, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    charsmap = base64.b64encode(m.normalizer_spec.precompiled_charsmap).decode()
    return m, {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added([(0, "<pad>"), (1, "</s>"), (2, "<unk>")]),
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": charsmap}, {"type": "Strip", "strip_left": False, "strip_right": True}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}], "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {"type": "Unigram", "unk_id": 2, "vocab": [[p.piece, p.score] for p in m.pieces], "byte_fallback": False},
    }


def word_piece():
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer()
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece()
    tok.train_from_iterator([s for s in text() if "▁" not in s], trainers.WordPieceTrainer(vocab_size=1500, limit_alphabet=500, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    model = json.loads(tok.to_str())
    ids = model["model"]["vocab"]
    model["post_processor"] = {"type": "BertProcessing", "sep": ["[SEP]", ids["[SEP]"]], "cls": ["[CLS]", ids["[CLS]"]]}
    return model


def variants(bases):
    """(name, base, parts replaced)"""
    def extended(base, tokens):
        """Parts with tokens in the vocabulary that no merge makes; the added tokens that are not in it move up."""
        vocab = dict(base["model"]["vocab"])
        for t in tokens:
            vocab.setdefault(t, len(vocab))
        free = iter(range(len(vocab), len(vocab) + 100))
        moved = [t if t["content"] in vocab else {**t, "id": next(free)} for t in base["added_tokens"]]
        return {"model": {"ignore_merges": True, "vocab": vocab}, "added_tokens": moved}

    fresh = iter(range(1 + max(t["id"] for t in bases["bytelevel"]["added_tokens"]), 3000))

    def flagged(token, **flags):
        vocab = bases["bytelevel"]["model"]["vocab"]
        return added([(vocab[token] if token in vocab else next(fresh), token)], **flags)

    def pre(p, **more):
        return {"pre_tokenizer": p, **more}

    b = "bytelevel"
    out = [(b + "-" + k, b, pre(sequence(split(r), BYTES))) for k, r in REGEXES.items()]
    out += [
        (b + "-gpt2", b, pre({"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True})),
        (b + "-whole", b, {}),
        (b + "-smollm", b, pre(sequence({"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}))),
        (b + "-digit-runs", b, pre(sequence({"type": "Digits", "individual_digits": False}, BYTES))),
        (b + "-deepseek3", b, pre(sequence(*[split(r) for r in DEEPSEEK], BYTES))),
        (b + "-removed", b, pre(sequence(split(REGEXES["llama3"], "Removed", True), BYTES))),
        (b + "-roberta", b, pre({"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, post_processor={"type": "RobertaProcessing", "sep": ["<|im_end|>", 2], "cls": ["<|im_start|>", 1], "trim_offsets": True, "add_prefix_space": True})),
        (b + "-ignore-merges", b, {"pre_tokenizer": sequence(split(REGEXES["llama3"]), BYTES), **extended(bases[b], ["Hello", "Ġworld", "Ġtokenizer", "ĊĊĊ", "Ġleading", "123", "ä½łå¥½"])}),
        (b + "-nfc", b, {"normalizer": {"type": "NFC"}, "pre_tokenizer": sequence(split(REGEXES["qwen2"]), BYTES)}),
        (b + "-nfd", b, {"normalizer": {"type": "NFD"}}),
        (b + "-nfkc", b, {"normalizer": {"type": "NFKC"}}),
        (b + "-nfkd-lower", b, {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]}}),
        (b + "-nmt-strip", b, {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "Strip", "strip_left": True, "strip_right": True}]}}),
        (b + "-flags", b, {"normalizer": {"type": "Lowercase"}, "added_tokens": bases[b]["added_tokens"]
            + flagged("<mask>", lstrip=True) + flagged("[INST]", rstrip=True) + flagged("user", single_word=True, special=False)
            + flagged("Hello", normalized=True, special=False) + flagged("the", normalized=True, special=False, single_word=True) + flagged("hi", normalized=True, special=False, lstrip=True, rstrip=True)
            + flagged("  ", special=False) + flagged("é", special=False)}),
    ]
    for behavior in ["Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext"]:
        out.append((b + "-space-" + behavior.lower(), b, pre(sequence({"type": "Split", "pattern": {"String": " "}, "behavior": behavior, "invert": False}, BYTES))))
        out.append((b + "-punctuation-" + behavior.lower(), b, pre(sequence({"type": "Punctuation", "behavior": behavior}, BYTES))))
    out += [
        (b + "-words", b, pre(sequence({"type": "Whitespace"}, BYTES))),
        (b + "-whitespace-split", b, pre(sequence({"type": "WhitespaceSplit"}, BYTES))),
        (b + "-delimiter", b, pre(sequence({"type": "CharDelimiterSplit", "delimiter": "a"}, BYTES))),
        (b + "-bert", b, pre(sequence({"type": "BertPreTokenizer"}, BYTES))),
    ]
    s = "spbpe"
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    out += [
        (s + "-mistral", s, {}),
        (s + "-gemma", s, {"normalizer": replace, "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}, "decoder": {"type": "Sequence", "decoders": bases[s]["decoder"]["decoders"][:3]}}),
        (s + "-metaspace-first", s, {"normalizer": None, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}}),
        (s + "-metaspace-never", s, {"normalizer": None, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True}, "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True}}),
        (s + "-unknown", s, {"model": {"byte_fallback": False}}),
        (s + "-unknown-apart", s, {"model": {"byte_fallback": False, "fuse_unk": False}}),
        (s + "-dropped", s, {"model": {"byte_fallback": False, "unk_token": None}}),
    ]
    out.append(("runs", "runs", {}))
    u = "unigram"
    out += [
        (u + "-t5", u, {}),
        (u + "-xlmr", u, {"normalizer": bases[u]["normalizer"]["normalizers"][0], "pre_tokenizer": sequence({"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True})}),
        (u + "-penalty", u, {"model": {"vocab": [["<pad>", 0], ["</s>", 0], ["<unk>", 0], ["▁", -1], ["a", 5], ["e", 4], ["ab", -10], ["ea", -8], ["es", -9], ["▁th", -10], ["he", 3]]}}),
        (u + "-whole", u, {"normalizer": None, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}}),
        (u + "-bytes", u, {"model": {"byte_fallback": True, "vocab": bases[u]["model"]["vocab"] + [[f"<0x{i:02X}>", -20.0] for i in range(256)]}, "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}]}}),
    ]
    w = "wordpiece"
    bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    out += [
        (w + "-bert", w, {}),
        (w + "-cased", w, {"normalizer": {**bert, "lowercase": False}}),
        (w + "-accents", w, {"normalizer": {**bert, "strip_accents": False, "handle_chinese_chars": False, "clean_text": False}}),
        (w + "-short", w, {"model": {"max_input_chars_per_word": 5}, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False}}),
        (w + "-no-decoder", w, {"decoder": None}),
    ]
    return out


def merged(base, parts):
    out = {**base, **parts}
    if "model" in parts:
        out["model"] = {**base["model"], **parts["model"]}
    return out


def result(name, base, parts, bases):
    tok = Tokenizer.from_str(json.dumps(merged(bases[base], parts), ensure_ascii=False))
    full, sums = [], []
    for n, i in enumerate(CHOSEN):
        ids = tok.encode(STRINGS[i]).ids
        texts = [tok.decode(ids, skip_special_tokens=False), tok.decode(ids, skip_special_tokens=True)]
        if n < FULL:
            full.append([ids] + texts)
        data = struct.pack(f"<{len(ids)}i", *ids) + b"|" + "|".join(texts).encode()
        sums.append(zlib.crc32(data))
    packed = base64.b64encode(struct.pack(f"<{len(sums)}I", *sums)).decode()
    return {"name": name, "model": base, "parts": parts, "full": full, "crc32": packed}


def main():
    bpe_proto, bpe = sp_bpe()
    uni_proto, uni = unigram()
    runs_pieces, runs_json = runs(bpe)
    bases = {"bytelevel": byte_level(), "spbpe": bpe, "runs": runs_json, "unigram": uni, "wordpiece": word_piece()}
    write("tiny/models.json.gz", {**VERSIONS, "models": bases})
    write("tiny/sentencepiece.json.gz", {**VERSIONS, **{
        name: {"tokens": [p.piece for p in m.pieces], "scores": [p.score for p in m.pieces], "types": [p.type for p in m.pieces], "charsmap": base64.b64encode(m.normalizer_spec.precompiled_charsmap).decode()}
        for name, m in [("llama", bpe_proto), ("t5", uni_proto)]},
        "runs": {"tokens": [p for p, _, _ in runs_pieces], "scores": [s for _, s, _ in runs_pieces], "types": [k for _, _, k in runs_pieces], **run_cases(runs_json)},
        "squeezed": squeezed(bpe_proto)})
    write("tiny/splits.json.gz", split_cases())
    write("tiny/unicode.json.gz", unicode_cases())
    write("tiny/variants.json.gz", {**VERSIONS, "strings": CHOSEN, "variants": [result(*v, bases) for v in variants(bases)]})


if __name__ == "__main__":
    main()
