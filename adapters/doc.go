// Package adapters reads, writes and checks LoRA adapters.
//
//	PEFT folder ─ ReadPEFT ─┐                    ┌─ WritePEFT ─ PEFT folder
//	                        ├─ Adapter ──────────┤
//	GGUF file ─── ReadGGUF ─┘  (Hugging Face     └─ WriteGGUF ─ GGUF file
//	                            names and rows)
//	                               │
//	            model.Model ─ Base.Check ─ Bound: parts cut to the model's Linears,
//	                               │       and the Report
//	                               └────── Merge: W' of one projection
//
// An adapter changes projections by W' = W + s·B·A, with A [R, In], B [Out, R] and
// s = alpha/R, or alpha/√R when rank-stabilised. DoRA then stretches each row to a
// trained length: W' = m ⊙ (W + s·B·A)/‖W + s·B·A‖. The table of embeddings [V, D]
// has A [R, V] and B [D, R]; its update is s·(B·A)ᵀ. Whole parameters may be
// replaced: trained biases and modules_to_save.
//
// A projection that is part of a fused module (Phi-3) shares the module's A and
// takes its rows of B and of the magnitudes, which is exact.
//
// # Generation
//
// The generation of an adapter is "sha256:" and the hash of what follows, numbers
// as 64 bits little-endian, texts as their length and their bytes. Tensors are
// their type (numbered as in GGUF files), the number of dimensions, each of these,
// the length of the data in bytes, and the data as in the file: little-endian, row
// after row.
//
//	text "graft adapter 1"
//	number of modules, and for each, sorted by path:
//	  text path, 1 if it is a table else 0, the scale's float64 bits, A, B, magnitude
//	number of replaced parameters, and for each, sorted by name:
//	  text name, tensor
//
// A magnitude that is not there has type 0 and no dimensions. Names of the base,
// dropout, the configuration's wording and copies of the base's weights do not
// count: they change no number. The same update read from GGUF has the same
// generation as from PEFT when types and scale are the same to the last bit.
//
// # What is refused
//
// Pickles and mlx-lm's files; keys of adapter_config.json that change what is
// computed in ways not supported (refused.go); tensors that nobody knows; DoRA of
// a table. A check gathers all mismatches into one error.
package adapters
