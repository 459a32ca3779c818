package api

import (
	"math"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/evalharness/evals"
	"graft/evalharness/stats"
)

// comparisonObject is graft's own.
type comparisonObject struct {
	Object  string        `json:"object"`
	EvalID  string        `json:"eval_id"`
	Arms    [2]evals.Arm  `json:"arms"`
	Primary string        `json:"primary"` // the id of a grader
	Verdict stats.Verdict `json:"verdict"`
}

// compare is POST /v1/evals/{id}/comparisons. Nothing is stored: the same runs have
// the same verdict.
func (h evalsHandler) compare(c *gin.Context) {
	q := evals.Comparison{Seed: 1}
	err := h.read(c, func(o *object) {
		o.require("arms")
		if v, ok := o.value("arms"); ok {
			n := 0
			v.items(2, func(i int, item value) { q.Arms[i], n = item.string(), n+1 })
			if n != 2 {
				o.d.fail(invalid("arms", "invalid_value", "Invalid 'arms': it is the ids of two runs."))
			}
		}
		o.string("primary", &q.Primary)
		if v, ok := o.value("margin"); ok {
			if q.Margin = v.number(0, 1e9); q.Margin == 0 {
				o.d.fail(invalid("margin", "decimal_below_min_value", "Invalid 'margin': decimal below minimum value. Expected a value > 0."))
			}
		}
		if v, ok := o.value("guards"); ok {
			v.items(evals.MaxCriteria, func(_ int, item value) { q.Guards = append(q.Guards, item.string()) })
		}
		if v, ok := o.value("seed"); ok {
			q.Seed = uint64(v.integer(0, math.MaxInt64))
		}
	})
	var out evals.Compared
	if err == nil {
		out, err = h.Evals.Compare(c.Request.Context(), h.client(c), c.Param("id"), q)
	}
	if err != nil {
		h.fail(c, evalError(err, ""), "")
		return
	}
	h.writeJSON(c, http.StatusOK, comparisonObject{"eval.comparison", c.Param("id"), out.Arms, out.Primary, out.Verdict})
}
