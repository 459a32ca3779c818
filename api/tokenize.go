package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// asTokenizer is the backend's tokenizer, or nil.
func asTokenizer(backend serving.Backend) serving.Tokenizer {
	t, _ := backend.(serving.Tokenizer)
	return t
}

var errNoTokenizer = &Error{Status: 400, Type: invalidRequest, Code: "no_tokenizer", Message: "The backend of this model does not give access to its tokens."}

// tokenizeHandler is vLLM's /tokenize, /detokenize and /tokenizer_info, on which
// evaluation clients depend. Without "model" they speak of the default one.
type tokenizeHandler struct {
	*server
	models  modelLister
	backend serving.Tokenizer // nil: a backend that does not know its tokens
}

// tokenCount is the reply of /tokenize.
type tokenCount struct {
	Count       int      `json:"count"`
	MaxModelLen int      `json:"max_model_len"`
	Tokens      []int32  `json:"tokens"`
	Strings     []string `json:"token_strs"` // null unless asked for
}

// tokenize splits a prompt, or a conversation as the model would receive it.
func (h tokenizeHandler) tokenize(c *gin.Context) {
	req := serving.TokenizeRequest{AddGenerationPrompt: true}
	withStrings := false
	var sel selection
	chosen := serving.Request{}
	defer h.ended(c, &sel)
	err := h.readChoosing(c, &sel, &chosen, choiceRules{optional: true, free: true}, func(o *object) {
		o.bool("return_token_strs", &withStrings)
		if v, ok := o.value("messages"); ok {
			req.Messages = messages(v)
			o.bool("add_generation_prompt", &req.AddGenerationPrompt)
			if v, ok := o.value("tools"); ok {
				req.Tools = tools(v)
			}
			if v, ok := o.value("chat_template_kwargs"); ok {
				req.TemplateVars = templateVars(v)
			}
		} else {
			o.require("prompt")
			o.string("prompt", &req.Prompt)
			req.AddSpecial = true
		}
		o.bool("add_special_tokens", &req.AddSpecial)
	})
	if err == nil {
		req.Template, req.Messages = chosen.Template, sel.withSystem(req.Messages)
		req.Model, err = h.resolve(c, chosen.Model)
	}
	if err != nil {
		h.fail(c, err, "prompt")
		return
	}
	tokens, err := h.backend.Tokenize(c.Request.Context(), &req)
	if err != nil {
		h.fail(c, err, "prompt")
		return
	}
	out := tokenCount{Count: len(tokens.IDs), MaxModelLen: tokens.Context, Tokens: tokens.IDs}
	if out.Tokens == nil {
		out.Tokens = []int32{}
	}
	if withStrings {
		out.Strings = append([]string{}, tokens.Strings...)
	}
	h.writeJSON(c, http.StatusOK, out)
}

// detokenize is the inverse.
func (h tokenizeHandler) detokenize(c *gin.Context) {
	var model string
	var ids []int32
	err := h.read(c, func(o *object) {
		o.string("model", &model)
		o.require("tokens")
		if v, ok := o.value("tokens"); ok {
			ids = tokenIDs(v, maxPromptIDs)
		}
	})
	if err == nil {
		model, err = h.resolve(c, model)
	}
	if err != nil {
		h.fail(c, err, "tokens")
		return
	}
	text, err := h.backend.Detokenize(c.Request.Context(), model, ids)
	if err != nil {
		h.fail(c, err, "tokens")
		return
	}
	h.writeJSON(c, http.StatusOK, map[string]string{"prompt": text})
}

// resolve finds the model by its name, or the default one.
func (h tokenizeHandler) resolve(c *gin.Context, name string) (string, error) {
	exchangeOf(c).model = name
	m, err := findModel(c.Request.Context(), h.models, name)
	if err != nil {
		return "", err
	}
	if h.backend == nil {
		return "", errNoTokenizer
	}
	return m.ID, nil
}

// tokenizerDescriber is the power of backends that can tell what their
// tokenizer adds by itself.
type tokenizerDescriber interface {
	TokenizerInfo(ctx context.Context, model string) (*serving.TokenizerInfo, error)
}

// tokenizerInfo has the keys of tokenizer_config.json, as vLLM gives them.
type tokenizerInfo struct {
	Class          string  `json:"tokenizer_class"`
	ModelMaxLength int     `json:"model_max_length"`
	ChatTemplate   *string `json:"chat_template"`
	BOS            *string `json:"bos_token"`
	EOS            *string `json:"eos_token"`
	PAD            *string `json:"pad_token"`
	UNK            *string `json:"unk_token"`
	AddBOS         bool    `json:"add_bos_token"`
	AddEOS         bool    `json:"add_eos_token"`
	VocabSize      int     `json:"vocab_size"`
}

// info describes the tokenizer of ?model=, or of the default model.
func (h tokenizeHandler) info(c *gin.Context) {
	x := exchangeOf(c)
	x.model = c.Query("model")
	sel := selection{}
	defer sel.release()
	err := h.choose(c.Request.Context(), x.key, &choice{model: x.model}, &sel)
	m := serving.Model{}
	if err == nil {
		m, err = findModel(c.Request.Context(), h.models, sel.base)
	}
	if err == nil {
		err = sel.useTemplate(&m)
	}
	if err != nil {
		h.fail(c, err, "model")
		return
	}
	describer, ok := h.backend.(tokenizerDescriber)
	if !ok {
		h.fail(c, fmt.Errorf("model %q: tokenizer_info: %w", m.ID, serving.ErrUnsupported), "model")
		return
	}
	t, err := describer.TokenizerInfo(c.Request.Context(), m.ID)
	if err != nil {
		h.fail(c, err, "model")
		return
	}
	h.writeJSON(c, http.StatusOK, tokenizerInfo{
		Class: t.Class, ModelMaxLength: m.Context, ChatTemplate: orNull(m.Template),
		BOS: orNull(t.BOS), EOS: orNull(t.EOS), PAD: orNull(t.PAD), UNK: orNull(t.UNK),
		AddBOS: t.AddBOS, AddEOS: t.AddEOS, VocabSize: t.Vocab,
	})
}
