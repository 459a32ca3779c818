package api

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/adapters"
	"graft/evalharness"
)

// verdicts lists what evaluations have shown of the generation that a name stands for.
func (h adaptersHandler) verdicts(c *gin.Context, e adapters.Entry) {
	list, err := h.verdictsOf(c, e.Generation)
	if err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusOK, map[string]any{"object": "list", "generation": e.Generation, "data": append([]adapters.Verdict{}, list...)})
}

func (h adaptersHandler) verdictsOf(c *gin.Context, generation string) ([]adapters.Verdict, error) {
	list, err := h.Adapters.Verdicts(c.Request.Context(), generation)
	for i := range list {
		if !h.admin(c) {
			list[i].By = ""
		}
	}
	return list, err
}

// record is POST …/verdicts: the body is the result of an evaluation. What it says of
// the generation is not believed, but decided anew from its answers.
func (h adaptersHandler) record(c *gin.Context, e adapters.Entry) {
	v, generation, err := h.proven(c)
	if err == nil {
		v, err = h.Adapters.Record(c.Request.Context(), e.Name, generation, v)
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusCreated, map[string]any{"object": "lora_adapter.verdict", "generation": generation, "verdict": v})
}

func (h adaptersHandler) proven(c *gin.Context) (v adapters.Verdict, generation string, err error) {
	body, err := h.readBody(c)
	if err != nil {
		return v, "", err
	}
	res, err := evalharness.ParseResult(body)
	if err != nil {
		return v, "", invalid("", "invalid_result", "The body is no result of an evaluation, as graft eval writes it (result.json): %.200s.", err)
	}
	shown, arm, err := res.Proven()
	if err != nil {
		return v, "", fmt.Errorf("%w: %w", evalharness.ErrEvidence, err)
	}
	if !generationPattern.MatchString(arm.Generation) {
		return v, "", invalidGeneration("generation", arm.Generation)
	}
	return adapters.Verdict{
		Run: clip(res.ID, maxRunID), Task: clip(res.Name, maxRunID), Base: clip(res.Settings.Base, maxRunID), Outcome: shown.Outcome, Reason: clip(shown.Reason, 1000),
		Metric: res.Settings.Primary, Diff: shown.Diff, Low95: shown.Low95, High95: shown.High95, Margin: shown.Margin, Cases: shown.N, Gold: clip(res.Gold.Hash, maxRunID),
		By: exchangeOf(c).key.ID,
	}, arm.Generation, nil
}

// maxRunID bounds the names that a result brings along, in bytes.
const maxRunID = 200
