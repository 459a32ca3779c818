"""Values of the text and label metrics as the programs compute them that made them known.

    python reference/metrics.py FOLDER MODEL  # writes the goldens of evalharness/metrics/testdata
    python reference/metrics.py -             # reads requests, one JSON a line, and answers each with one

MODEL is the folder of all-minilm-l6-v2, which only similarities.json needs.

A request is {"texts": [case …]}, {"labels": [case …], "declared": [label …]} or
{"stems": [word …]}; a case is {"prediction": text, "references": [text …]}.

Needs scikit-learn, rouge_score, sacrebleu, nltk, rapidfuzz; with MODEL also torch, transformers, bert_score. SQuAD's script is in no
package: its functions are below as in evaluate-v1.1.py.
"""

import importlib.metadata
import json
import random
import re
import string
import sys
import warnings
from collections import Counter

import nltk
import rapidfuzz
import sacrebleu
import sklearn
from nltk.stem.porter import PorterStemmer
from nltk.translate.gleu_score import sentence_gleu
from nltk.translate.meteor_score import single_meteor_score
from rapidfuzz import fuzz
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF
from sklearn import metrics as sk

warnings.filterwarnings("ignore")
MADE = "reference/metrics.py, scikit-learn %s, rouge_score %s, sacrebleu %s, nltk %s, rapidfuzz %s, Python %s" % (
    sklearn.__version__, importlib.metadata.version("rouge_score"), sacrebleu.__version__, nltk.__version__,
    rapidfuzz.__version__, sys.version.split()[0])


# SQuAD's evaluate-v1.1.py.
def normalize_answer(s):
    def remove_articles(text):
        return re.sub(r"\b(a|an|the)\b", " ", text)

    def white_space_fix(text):
        return " ".join(text.split())

    def remove_punc(text):
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    return white_space_fix(remove_articles(remove_punc(s.lower())))


def squad_f1(prediction, ground_truth):
    prediction_tokens = normalize_answer(prediction).split()
    ground_truth_tokens = normalize_answer(ground_truth).split()
    common = Counter(prediction_tokens) & Counter(ground_truth_tokens)
    num_same = sum(common.values())
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(prediction_tokens)
    recall = 1.0 * num_same / len(ground_truth_tokens)
    return (2 * precision * recall) / (precision + recall)


class NoSynonyms:
    def synsets(self, word):
        return []


TYPES = ["rouge1", "rouge2", "rouge3", "rouge4", "rouge5", "rougeL", "rougeLsum"]
PLAIN, STEMMED = rouge_scorer.RougeScorer(TYPES), rouge_scorer.RougeScorer(TYPES, use_stemmer=True)


def texts(cases):
    """name → values of the cases, and of the set where it is no mean."""
    out = {}

    def per(name, f):
        out[name] = {"cases": [float(f(c["prediction"], c["references"])) for c in cases]}

    per("exact_match", lambda p, rs: max(normalize_answer(p) == normalize_answer(r) for r in rs))
    per("em_strict", lambda p, rs: max(p.strip() == r.strip() for r in rs))
    per("f1_squad", lambda p, rs: max(squad_f1(p, r) for r in rs))
    for suffix, scorer in ("", PLAIN), ("+stem", STEMMED):
        scores = [scorer.score_multi(c["references"], c["prediction"]) for c in cases]
        for t in TYPES:
            out[t + suffix] = {"cases": [float(s[t].fmeasure) for s in scores]}
    for name, corpus, sentence in (
            ("bleu", BLEU(), BLEU(effective_order=True)), ("chrf", CHRF(), CHRF()), ("chrf++", CHRF(word_order=2), CHRF(word_order=2))):
        per(name, lambda p, rs: sentence.sentence_score(p, rs).score)
        most = max(len(c["references"]) for c in cases)
        refs = [[c["references"][k] if k < len(c["references"]) else None for c in cases] for k in range(most)]
        out[name]["corpus"] = corpus.corpus_score([c["prediction"] for c in cases], refs).score
    per("fuzzy_match", lambda p, rs: fuzz.ratio(p, rs[0]) / 100)
    per("gleu", lambda p, rs: sentence_gleu([rs[0].split()], p.split()))
    per("meteor", lambda p, rs: single_meteor_score(rs[0].split(), p.split(), wordnet=NoSynonyms()))
    return out


# Texts that text_similarity compares: alike, unlike, of several scripts, empty, and words
# that only stems have in common.
PAIRS = [
    ("The cat sits on the mat.", "A feline rests upon the rug."), ("the cat sat on the mat", "the cat is on the mat"),
    ("He was running and jumping happily over fences", "he runs and jumps happily over a fence"),
    ("Interest rates rose by half a percent, the central bank said on Monday.", "The central bank said on Monday that rates had risen by 0.5 %."),
    ("one two three four five six seven", "one two three four five six seven"), ("seven six five four three two one", "one two three four five six seven"),
    ("Übermäßig naïve façades – 1,234.56 €", "naïve facades 1234.56 EUR"), ("猫が座っている。", "猫が寝ている。"), ("İstanbul", "istanbul"),
    ("ok", "no"), ("", "something"), ("something", ""), ("a b", "a b c d e f g h"),
]


def similarities(pairs, model=None):
    """name → score of each (input, reference), 0 to 1, as text_similarity graders name them."""
    out = {"fuzzy_match": [fuzz.ratio(a, b) / 100 for a, b in pairs],
           "bleu": [BLEU(effective_order=True).sentence_score(a, [b]).score / 100 for a, b in pairs],
           "gleu": [float(sentence_gleu([b.split()], a.split())) for a, b in pairs],
           "meteor": [float(single_meteor_score(b.split(), a.split(), wordnet=NoSynonyms())) for a, b in pairs]}
    for name, kind in [("rouge_%d" % n, "rouge%d" % n) for n in range(1, 6)] + [("rouge_l", "rougeL")]:
        out[name] = [float(PLAIN.score(b, a)[kind].fmeasure) for a, b in pairs]
    if model:
        import torch
        from transformers import AutoModel, AutoTokenizer

        import bertscore  # reference/bertscore.py, which mends what bert_score misses
        tok, net = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model).eval()

        @torch.no_grad()
        def vector(text):
            return net(**tok(text, return_tensors="pt")).last_hidden_state[0].mean(0)

        out["cosine"] = [torch.cosine_similarity(vector(a), vector(b), dim=0).item() for a, b in pairs]
        out["bertscore"] = bertscore.bert_score.score([a for a, _ in pairs], [b for _, b in pairs], model_type=model, num_layers=6, batch_size=1, device="cpu")[2].tolist()
    return out


# Answers and references that are JSON, or nearly.
JSON = [
    ('{"a":1,"b":"x"}', '{"b":"x","a":1.0}'), ('{"a":1,"b":"y"}', '{"a":1,"b":"x"}'), ('{"a":1,"extra":0}', '{"a":1}'), ('{"a":null}', '{"b":1,"a":null}'),
    ('{"a":[1,{"x":2}]}', '{"a":[1,{"x":2e0}]}'), ('{"a":"1"}', '{"a":1}'), ('{"a":true}', '{"a":1}'), ('{"a":false,"b":0}', '{"a":0,"b":false}'),
    ('{"a":1} and more', '{"a":1}'), ("```json\n{}\n```", "{}"), ("", "{}"), (" \n{} \t\r\n", "{}"), ("[1]", "[1]"), ("[1,2]", "[2,1]"), ("null", "null"),
    ('"x"', '"x"'), ('"é"', '"\\u00e9"'), ('"\\ud83d\\ude42"', '"🙂"'), ("1", "1.000"), ("1e2", "100"), ("-0", "0"), ("01", "1"), ("+1", "1"), (".5", "0.5"), ("5.", "5"),
    ("NaN", "1"), ("-Infinity", "1"), ("{'a':1}", '{"a":1}'), ('{"a":1,}', '{"a":1}'), ("[1,]", "[1]"), ('{a:1}', '{"a":1}'), ('{"a":1,"a":2}', '{"a":2}'),
    ('{"a":1}{"a":1}', '{"a":1}'), ('["\n"]', "[]"), ('["\\x"]', "[]"), ("\ufeff{}", "{}"), ("\u00a0{}", "{}"), ("// c\n{}", "{}"), ("True", "true"), ("tru", "true"),
    ('{"n":9007199254740993}', '{"n":9007199254740992}'), ('{"n":12345678901234567890}', '{"n":12345678901234567890}'), ('{"n":0.1}', '{"n":0.10}'),
    ('{"":1}', '{"":1}'), ("{}", "[]"), ("[]", "{}"), ("[[[[]]]]", "[[[[]]]]"), ('{"a":{"b":1,"c":2}}', '{"a":{"c":2,"b":1}}'),
]


def json_values(pairs):
    """json_valid and json_fields, by Python's json without its NaN and Infinity."""
    def strict(text):
        raise ValueError(text)

    def load(text):
        try:
            return json.loads(text, parse_constant=strict), True
        except ValueError:
            return None, False

    def same(a, b):  # True is no 1
        if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
            return a is b
        if isinstance(a, dict) and isinstance(b, dict):
            return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
        if isinstance(a, list) and isinstance(b, list):
            return len(a) == len(b) and all(map(same, a, b))
        return a == b

    out = {"json_valid": [], "json_fields": []}
    for prediction, reference in pairs:
        (p, valid), (r, known) = load(prediction), load(reference)
        out["json_valid"].append(float(valid))
        if not (valid and known):
            fields = 0
        elif not isinstance(r, dict) or not r:
            fields = same(p, r)
        else:
            fields = isinstance(p, dict) and sum(k in p and same(p[k], v) for k, v in r.items()) / len(r)
        out["json_fields"].append(float(fields))
    return out


def labels(cases, declared):
    """The label metrics over all strings that occur, or with declared labels, others being one more."""
    gold, given = [c["references"][0] for c in cases], [c["prediction"] for c in cases]
    kw = dict(labels=declared) if declared else {}
    if declared:
        given = [g if g in declared else "\0invalid" for g in given]
    out = {"accuracy": sk.accuracy_score(gold, given), "balanced_accuracy": sk.balanced_accuracy_score(gold, given),
           "mcc": sk.matthews_corrcoef(gold, given)}
    for average in "micro", "macro", "weighted":
        out["f1_" + average] = sk.f1_score(gold, given, average=average, **kw)
    out = {k: {"corpus": float(v)} for k, v in out.items()}
    every = declared or sorted(set(gold) | set(given))
    out["confusion"] = sk.confusion_matrix(gold, given, labels=every).tolist()
    return out


def answer(request):
    if "stems" in request:
        s = PorterStemmer()
        return [s.stem(w) for w in request["stems"]]
    if "labels" in request:
        return labels(request["labels"], request.get("declared"))
    return texts(request["texts"])


WORDS = """the a an cat cats dog running runs ran relational conditional nationally generally hopefully happiness
flies dies dying skies news innings proceed geology archaeology plastered motoring agreed feed enjoy enjoying
controlling rolling x ii 42 3,5 1.5 state-of-the-art don't (yes) "quoted" <skipped> &quot; &amp;lt; -\n Hello. New York,
NEW york españa La naïve café İstanbul ΟΔΟΣ ΑΣ Σ Kelvin « » – ’ “the” 猫が 座って いる 東京 мир Привет наука ß ẞ ﬁ 🙂 👩‍🔬 e\u0301 नमस्ते
\u00a0 \u2003 \x1c \x1f \u0085 \n \n\n a_b _ a. .5 5. , . - 7- -7 ½ ² ٣ ,, .. % $5.00 [ab] {c} `d` ~""".split(" ")
WORDS = [w for part in WORDS for w in (part.split("\n") if part.strip("\n") and not part.startswith("-") else [part])] + ["\n", " ", "\t"]


def sentence(rnd):
    return (" " if rnd.random() < 0.8 else "").join(rnd.choice(WORDS) for _ in range(rnd.choice([0, 1, 2, 3, 5, 8, 13, 30])))


def varied(rnd, text):
    words = text.split(" ")
    for _ in range(rnd.randrange(4)):
        at = rnd.randrange(len(words))
        words[at:at + rnd.randrange(2)] = [rnd.choice(WORDS)] * rnd.randrange(3)
        words = words or [""]
    if rnd.random() < 0.2:
        rnd.shuffle(words)
    return " ".join(words)


ROOTS = """relat condit valenc hesitanc digitiz conform radic differ vile analog vietnam predic operat feud decis hope call form
sensitiv sensib triplic electr good reviv allow infer airlin gyroscop adjust defens irrit replac depend adopt homolog commun activ
angular effect bowdler probat rat ceas control roll fly try spy happ sk d l t p agre fe b plaster s hopp tann fall hiss fizz fail fil
conflat troubl siz mat geo theo archaeo philo bi syzyg to enjo employ yes by day care pony caress abil possibil nation organ""".split()
ENDS = """ s es ies ied ed eed ing ings y ly ally ically alli bli ably ability ational tional enci anci izer izers ization ation ator alism
iveness fulness ousness aliti iviti biliti fulli fully logi logy logies icate ative alize iciti ical ful ness al ance ence er ic able
ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll lle ss sses""".split(" ")


def main(folder, model=None):
    if folder == "-":
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), flush=True)
        return
    rnd = random.Random(6)

    def write(name, request):
        with open(f"{folder}/{name}.json", "w", encoding="utf-8") as f:
            json.dump({"made": MADE, "request": request, "want": answer(request)}, f, ensure_ascii=True, separators=(",", ":"))
            f.write("\n")

    cases = [{"prediction": p, "references": [r]} for p, r in [
        ("the cat cat", "cat"), ("new new york", "new york"), ("", ""), ("", "x"), ("x", ""), ("the", "a"), ("españa", "españ"),
        ("İstanbul", "i stanbul"), ("猫が座っている", "猫が座っている"), ("a\nb c", "b c\na"), ("&amp;lt;", "<"), ("Mr. Smith paid 1,234.56.", "mr smith paid 1234.56")]]
    while len(cases) < 300:
        refs = [sentence(rnd) for _ in range(rnd.choice([1, 1, 1, 2, 3]))]
        cases.append({"prediction": varied(rnd, rnd.choice(refs)), "references": refs})
    write("texts", {"texts": cases})
    write("stems", {"stems": sorted({r + e for r in ROOTS for e in ENDS})})
    names = ["negative", "neutral", "positive", "I think positive", ""]
    rows = [{"prediction": rnd.choice(names), "references": [rnd.choice(names[:3])]} for _ in range(200)]
    write("labels_union", {"labels": rows})
    write("labels_declared", {"labels": rows, "declared": ["positive", "negative", "neutral", "never"]})
    with open(f"{folder}/json.json", "w", encoding="utf-8") as f:
        json.dump({"made": MADE, "pairs": JSON, "want": json_values(JSON)}, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")
    if model:
        with open(f"{folder}/similarities.json", "w", encoding="utf-8") as f:
            import torch
            import transformers
            json.dump({"made": MADE + ", torch %s, transformers %s, bert_score %s" % (torch.__version__.split("+")[0], transformers.__version__, importlib.metadata.version("bert_score")),
                       "pairs": PAIRS, "want": similarities(PAIRS, model)}, f, ensure_ascii=True, separators=(",", ":"))
            f.write("\n")
    write("labels_one", {"labels": [{"prediction": "x", "references": ["x"]}] * 3})


main(*sys.argv[1:])
