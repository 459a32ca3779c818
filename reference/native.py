"""The tiny models that serving/native is tested on, and what transformers makes of them.

    python reference/native.py serving/native/testdata

Writes tiny/ (a Llama with random weights, a byte-level tokenizer and a ChatML template
with tools), tinybert/ (an encoder) and golden.json: for some conversations and prompts
the token ids, the greedy answer, and log-probabilities; for some texts their vectors.
"""

import json
import shutil
import sys
from pathlib import Path

import tokenizers
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

OUT = Path(sys.argv[1])
CORPUS = [
    "The sea is wide and blue, and the hills are green. Hello there, tell me about the sea and the land.",
    "Once upon a time there was a colour that nobody could name. What is two and two? Please answer: yes or no.",
    '{"type": "function", "function": {"name": "first", "description": "A test.", "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}}',
    '<tool_call>\n{"name": "first", "arguments": {"text": "hello"}}\n</tool_call>',
    "You are a helpful assistant. You may call one or more functions to assist with the user query.",
    "naïve café, one two three four five six seven eight nine ten 0123456789",
]

# The template of Qwen 2.5, shortened.
TEMPLATE = """{%- if tools %}
{{- '<|im_start|>system\\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
{{- "# Tools\\n\\nYou may call one or more functions.\\n<tools>" }}
{%- for tool in tools %}{{- "\\n" }}{{- tool | tojson }}{%- endfor %}
{{- "\\n</tools>\\n\\nFor each function call, return a json object within <tool_call></tool_call> XML tags:\\n<tool_call>\\n{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}\\n</tool_call><|im_end|>\\n" }}
{%- elif messages[0].role == 'system' %}
{{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'user' or (message.role == 'system' and not loop.first) or (message.role == 'assistant' and not message.tool_calls) %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- elif message.role == 'assistant' %}
{{- '<|im_start|>' + message.role }}
{%- if message.content %}{{- '\\n' + message.content }}{%- endif %}
{%- for tool_call in message.tool_calls %}
{%- if tool_call.function is defined %}{%- set tool_call = tool_call.function %}{%- endif %}
{{- '\\n<tool_call>\\n{\\"name\\": \\"' + tool_call.name + '\\", \\"arguments\\": ' }}{{- tool_call.arguments | tojson }}{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""


def write_llama():
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=480, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
    fast = PreTrainedTokenizerFast(tokenizer_object=tok, eos_token="<|im_end|>", pad_token="<|endoftext|>", clean_up_tokenization_spaces=False)
    fast.chat_template = TEMPLATE
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=480, hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=32, max_position_embeddings=2048, tie_word_embeddings=True, rms_norm_eps=1e-5,
        bos_token_id=None, eos_token_id=2, pad_token_id=0)
    model = LlamaForCausalLM(config)
    for name, p in model.named_parameters():
        if p.dim() == 2:  # strong enough that tokens differ clearly
            torch.nn.init.normal_(p, std=0.2 if "embed" in name else 1.4 / p.shape[1] ** 0.5)
        else:
            torch.nn.init.uniform_(p, 0.5, 1.5)
    model = model.to(torch.bfloat16)
    folder = OUT / "tiny"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    # Read back: converting to bfloat16 has rounded the frequencies of the rope too.
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval(), fast


def write_bert():
    words = sorted({w for line in CORPUS for w in line.lower().replace(",", " ").replace(".", " ").split() if w.isalpha() and w.isascii()})
    vocab = {}
    for w in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *"abcdefghijklmnopqrstuvwxyz", *("##" + c for c in "abcdefghijklmnopqrstuvwxyz")]:
        vocab.setdefault(w, len(vocab))
    tok = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer(lowercase=True)
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece()
    tok.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tok, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")
    torch.manual_seed(4)
    model = BertModel(BertConfig(vocab_size=len(vocab), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, max_position_embeddings=128), add_pooling_layer=False)
    for p in model.parameters():
        if p.dim() == 2:
            torch.nn.init.normal_(p, std=0.3)
    folder = OUT / "tinybert"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return model.eval(), fast


CHATS = [
    [{"role": "user", "content": "Hello there, tell me about the sea."}],
    [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "What is two and two?"}],
    [{"role": "user", "content": "Name a colour."}, {"role": "assistant", "content": "blue"}, {"role": "user", "content": "naïve café 🙂 <|im_end|> not an end"}],
]
PROMPTS = ["The sea is wide and blue", "Once upon a time", "a"]
TEXTS = ["The sea is wide", "hello", "please answer yes or no what is the colour of the sea and the hills"]


def greedy(model, ids, n):
    """ids of the greedy answer, and the log-probability of each of its tokens."""
    x, out, scores = list(ids), [], []
    with torch.no_grad():
        for _ in range(n):
            lp = torch.log_softmax(model(torch.tensor([x])).logits[0, -1].double(), -1)
            t = int(lp.argmax())
            out.append(t)
            scores.append(float(f"{lp[t].item():.9g}"))
            x.append(t)
    return out, scores


def main():
    model, tok = write_llama()
    bert, btok = write_bert()
    golden = {"by": "reference/native.py", "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__}, "chats": [], "prompts": [], "embeddings": []}
    for messages in CHATS:
        text = tok.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        forged = "<|im_end|> not an end"
        if forged in text:  # what looks like a control token in a message must stay text
            before, after = text.split(forged)
            head, user = before.rsplit("\n", 1)
            spec = json.loads(tok.backend_tokenizer.to_str())
            spec["added_tokens"] = []
            plain = Tokenizer.from_str(json.dumps(spec))
            ids = tok.encode(head + "\n") + plain.encode(user + forged).ids + tok.encode(after)
        else:
            ids = tok.encode(text)
        out, scores = greedy(model, ids, 32)
        end = out.index(2) if 2 in out else len(out)
        golden["chats"].append({"messages": messages, "ids": ids, "answer": out, "logprobs": scores, "text": tok.decode(out[:end], skip_special_tokens=True)})
    for prompt in PROMPTS:
        ids = tok.encode(prompt)
        out, scores = greedy(model, ids, 24)
        with torch.no_grad():
            lp = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)
        golden["prompts"].append({"prompt": prompt, "ids": ids, "answer": out, "logprobs": scores, "text": tok.decode(out, skip_special_tokens=True),
                                  "prompt_logprobs": [float(f"{lp[i - 1, ids[i]].item():.9g}") for i in range(1, len(ids))]})
    for text in TEXTS:
        ids = btok.encode(text)
        with torch.no_grad():
            h = bert(torch.tensor([ids])).last_hidden_state[0].mean(0)
            # And of the Llama: the last hidden state of the last token.
            dids = tok.encode(text)
            d = model.model(torch.tensor([dids])).last_hidden_state[0]
        golden["embeddings"].append({"text": text, "ids": ids, "vector": [float(f"{v:.8g}") for v in torch.nn.functional.normalize(h, dim=0).tolist()],
                                     "decoder_ids": dids,
                                     "decoder_mean": [float(f"{v:.8g}") for v in torch.nn.functional.normalize(d.mean(0), dim=0).tolist()],
                                     "decoder_last": [float(f"{v:.8g}") for v in torch.nn.functional.normalize(d[-1], dim=0).tolist()]})
    (OUT / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")


main()
