package api

import "graft/serving"

// usage is what a request cost in tokens, in OpenAI's form.
type usage struct {
	PromptTokens     int           `json:"prompt_tokens"`
	CompletionTokens int           `json:"completion_tokens"`
	TotalTokens      int           `json:"total_tokens"`
	PromptDetails    promptDetails `json:"prompt_tokens_details"`
	AnswerDetails    answerDetails `json:"completion_tokens_details"`
}

type promptDetails struct {
	CachedTokens int `json:"cached_tokens"`
	AudioTokens  int `json:"audio_tokens"`
}

type answerDetails struct {
	ReasoningTokens          int `json:"reasoning_tokens"`
	AudioTokens              int `json:"audio_tokens"`
	AcceptedPredictionTokens int `json:"accepted_prediction_tokens"`
	RejectedPredictionTokens int `json:"rejected_prediction_tokens"`
}

func usageOf(u serving.Usage) usage {
	return usage{
		PromptTokens: u.Prompt, CompletionTokens: u.Completion, TotalTokens: u.Prompt + u.Completion,
		PromptDetails: promptDetails{CachedTokens: u.Cached},
		AnswerDetails: answerDetails{ReasoningTokens: u.Reasoning, AcceptedPredictionTokens: u.Accepted, RejectedPredictionTokens: u.Rejected},
	}
}
