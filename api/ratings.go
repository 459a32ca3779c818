package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"graft/evalharness/rating"
	"graft/internal/store"
)

// Ratings runs the ratings; rating.Service has it.
type Ratings interface {
	Raters
	Create(ctx context.Context, r *rating.Round) (*rating.State, error)
	State(ctx context.Context, id string) (*rating.State, error)
	Invite(ctx context.Context, id, name string) (token string, err error)
	Lock(ctx context.Context, id string, partial bool) (*rating.State, error)
	Delete(ctx context.Context, id string) error
}

// ratingsHandler manages ratings. All of it needs an admin key: who may see the arms'
// names, or end the voting, must not be one of the raters.
type ratingsHandler struct{ *server }

// needRatings stops requests on a server that keeps none.
func (h ratingsHandler) needRatings(c *gin.Context) {
	if h.Ratings == nil {
		h.fail(c, &Error{Status: http.StatusNotFound, Type: invalidRequest, Code: "no_ratings", Message: "This server keeps no ratings."}, "")
	}
}

// ratingError says what raters and admins are told of errors of ratings.
func ratingError(err error) error {
	kinds := []struct {
		is            error
		status        int
		code, message string
	}{
		{store.ErrNotFound, http.StatusNotFound, "rating_not_found", "There is no such rating, or the invitation to it is not valid (any more). Ask who sent you the link for a new one."},
		{store.ErrLocked, http.StatusConflict, "rating_locked", "The rating is locked: no vote is taken any more."},
		{store.ErrSlot, http.StatusConflict, "rating_out_of_order", "This is not the pair that is to be rated next, perhaps since the page is open twice. Load it again."},
		{store.ErrExists, http.StatusConflict, "rating_exists", "There is a rating of this run already."},
		{rating.ErrIncomplete, http.StatusConflict, "rating_incomplete", ""},
		{rating.ErrRound, http.StatusBadRequest, "invalid_rating", ""},
	}
	for _, k := range kinds {
		if errors.Is(err, k.is) {
			if k.message == "" {
				k.message = sentence(err.Error())
			}
			return &Error{Status: k.status, Type: invalidRequest, Code: k.code, Message: k.message, NoRetry: true}
		}
	}
	return err
}

// create takes a rating.Round: two arms' answers to the same cases.
func (h ratingsHandler) create(c *gin.Context) {
	body, err := h.readBody(c)
	if err == nil {
		err = checkJSON(body)
	}
	if err != nil {
		h.fail(c, err, "")
		return
	}
	var round rating.Round
	if err := json.Unmarshal(body, &round); err != nil {
		h.fail(c, &Error{Status: 400, Type: invalidRequest, Code: "invalid_rating", Message: "This is not a round of pairs: " + err.Error()}, "")
		return
	}
	state, err := h.Ratings.Create(c.Request.Context(), &round)
	h.answer(c, http.StatusCreated, state, err)
}

func (h ratingsHandler) get(c *gin.Context) {
	state, err := h.Ratings.State(c.Request.Context(), c.Param("run"))
	h.answer(c, http.StatusOK, state, err)
}

func (h ratingsHandler) invite(c *gin.Context) {
	var name string
	err := h.read(c, func(o *object) {
		o.require("name")
		o.string("name", &name)
	})
	if err != nil {
		h.fail(c, err, "")
		return
	}
	token, err := h.Ratings.Invite(c.Request.Context(), c.Param("run"), name)
	h.answer(c, http.StatusCreated, map[string]string{"name": name, "token": token, "path": "/rate/" + c.Param("run") + "#" + token}, err)
}

func (h ratingsHandler) lock(c *gin.Context) {
	partial := false
	if err := h.read(c, func(o *object) { o.bool("partial", &partial) }); err != nil {
		h.fail(c, err, "")
		return
	}
	state, err := h.Ratings.Lock(c.Request.Context(), c.Param("run"), partial)
	h.answer(c, http.StatusOK, state, err)
}

func (h ratingsHandler) delete(c *gin.Context) {
	err := h.Ratings.Delete(c.Request.Context(), c.Param("run"))
	h.answer(c, http.StatusOK, map[string]any{"id": c.Param("run"), "deleted": true}, err)
}

func (h ratingsHandler) answer(c *gin.Context, status int, v any, err error) {
	if err != nil {
		h.fail(c, ratingError(err), "")
		return
	}
	h.writeJSON(c, status, v)
}
