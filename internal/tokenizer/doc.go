// Package tokenizer turns text into the token ids a model was trained on, and
// ids back into text. It reads tokenizer.json and the tokenizer.ggml.* metadata
// of GGUF files, and gives the ids that Hugging Face's tokenizers gives.
//
//	text → added tokens cut out → normaliser → pre-tokenizer → model → template
//	        (added.go)        (normalise*.go)   (split*.go)   (bpe.go,   (post.go)
//	                                                       unigram.go,
//	                                                      wordpiece.go)
//
// What a file asks for and this package does not know is refused by name when
// the file is loaded; nothing is ever approximated.
//
// A Tokenizer is immutable once loaded and safe for concurrent use.
//
// Decoding follows transformers with clean_up_tokenization_spaces=False: the
// text is what the tokens say, with no spaces taken away before punctuation.
package tokenizer
