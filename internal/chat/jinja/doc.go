// Package jinja runs the chat templates of language models: the part of Jinja2
// that they use, with Python's values, equal byte for byte to what Hugging Face
// transformers renders (an immutable sandbox, trim_blocks, lstrip_blocks,
// loop controls, the generation tag and its own tojson).
//
//	source ── lex ──► tokens ── parse ──► statements ── Render(vars) ──► Output
//
// Two things differ from Python on purpose. A template cannot reach anything
// outside its variables: there is no loader and no attribute but the methods
// listed here. And every string remembers which of its bytes came from the
// caller, through concatenation, slicing, trimming, replacing and JSON, so that
// the tokenizer can refuse control tokens in text that a user wrote while
// accepting those that the template wrote.
//
// Evaluation raises with panic and recovers in Render, as text/template does:
// only values of type *Error travel that way.
package jinja
