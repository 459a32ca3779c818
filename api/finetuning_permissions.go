package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"graft/adapters"
)

// Permissions of a checkpoint are the keys of its adapter's settings: what OpenAI
// calls a project is an API key here, by its id or name. An adapter that names no keys
// may be used by all; the first permission bounds it to its owner and that key.

// permission is OpenAI's.
type permission struct {
	ID        string `json:"id"`
	Object    string `json:"object"`
	CreatedAt int64  `json:"created_at"`
	ProjectID string `json:"project_id"`
}

type permissionList struct {
	Object  string       `json:"object"`
	Data    []permission `json:"data"`
	FirstID *string      `json:"first_id"`
	LastID  *string      `json:"last_id"`
	HasMore bool         `json:"has_more"`
}

func permissionOf(e adapters.Entry, key string) permission {
	sum := sha256.Sum256([]byte(e.Name + "\x00" + key))
	return permission{"cp_" + hex.EncodeToString(sum[:12]), "checkpoint.permission", e.Created.Unix(), key}
}

func permissionsOf(e adapters.Entry, keys []string) permissionList {
	out := permissionList{Object: "list", Data: []permission{}}
	for _, key := range keys {
		out.Data = append(out.Data, permissionOf(e, key))
	}
	if n := len(out.Data); n > 0 {
		out.FirstID, out.LastID = &out.Data[0].ID, &out.Data[n-1].ID
	}
	return out
}

// checkpointTarget splits the path behind /v1/fine_tuning/checkpoints/: names may hold
// slashes.
func checkpointTarget(c *gin.Context) (name, id string, err error) {
	raw := strings.TrimPrefix(c.Request.URL.EscapedPath(), "/v1/fine_tuning/checkpoints/")
	i := strings.LastIndex(raw, "/permissions")
	if i > 0 {
		id = strings.TrimPrefix(raw[i+len("/permissions"):], "/")
		if name, err = url.PathUnescape(raw[:i]); err == nil && !strings.Contains(id, "/") {
			return name, id, nil
		}
	}
	return "", "", &Error{Status: http.StatusNotFound, Type: invalidRequest, Code: "unknown_url",
		Message: "Unknown request URL: " + c.Request.Method + " " + clip(c.Request.URL.Path, 200) + ". Expected /v1/fine_tuning/checkpoints/{checkpoint}/permissions."}
}

// listPermissions is GET …/permissions.
func (h adaptersHandler) listPermissions(c *gin.Context) {
	out, err := h.permitted(c)
	if err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusOK, out)
}

func (h adaptersHandler) permitted(c *gin.Context) (*permissionList, error) {
	q := query{c: c, strict: h.Options.Strict}
	limit, after, project := q.integer("limit", 10, 1, longestPage), q.text("after"), q.text("project_id")
	order := q.enum("order", "descending", "ascending", "descending")
	err := q.end()
	var name string
	if err == nil {
		name, _, err = checkpointTarget(c)
	}
	var e adapters.Entry
	if err == nil {
		e, err = h.entry(c, name)
	}
	if err != nil {
		return nil, err
	}
	keys := slices.Clone(e.Settings.Keys)
	if order == "descending" {
		slices.Reverse(keys)
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return project != "" && key != project })
	if after != "" {
		i := slices.IndexFunc(keys, func(key string) bool { return permissionOf(e, key).ID == after })
		if i < 0 {
			return nil, invalid("after", "invalid_value", "Invalid 'after': there is no '%.100s' here.", after)
		}
		keys = keys[i+1:]
	}
	more := len(keys) > limit
	out := permissionsOf(e, keys[:min(limit, len(keys))])
	out.HasMore = more
	return &out, nil
}

// addPermissions is POST …/permissions.
func (h adaptersHandler) addPermissions(c *gin.Context) {
	var added []string
	err := h.readStrict(c, func(o *object) {
		o.require("project_ids")
		if v, ok := o.value("project_ids"); ok {
			v.items(maxKeys, func(_ int, item value) { added = append(added, item.string()) })
			if o.d.err == nil && (len(added) == 0 || slices.Contains(added, "")) {
				o.d.fail(invalid("project_ids", "invalid_value", "Invalid 'project_ids': name at least one API key, by its id or name."))
			}
		}
	})
	var e adapters.Entry
	if err == nil {
		e, err = h.permit(c, func(e adapters.Entry, keys []string) ([]string, error) {
			if len(keys) == 0 && e.Owner != "" {
				keys = append(keys, e.Owner) // or it could not be used by the one who made it
			}
			for _, key := range added {
				if !slices.Contains(keys, key) {
					keys = append(keys, key)
				}
			}
			if len(keys) > maxKeys {
				return nil, invalid("project_ids", "array_above_max_length", "Invalid 'project_ids': an adapter can name %d keys.", maxKeys)
			}
			return keys, nil
		})
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusOK, permissionsOf(e, added))
}

// removePermission is DELETE …/permissions/{id}.
func (h adaptersHandler) removePermission(c *gin.Context) {
	_, id, err := checkpointTarget(c)
	if err == nil {
		_, err = h.permit(c, func(e adapters.Entry, keys []string) ([]string, error) {
			i := slices.IndexFunc(keys, func(key string) bool { return permissionOf(e, key).ID == id })
			if i < 0 {
				return nil, &Error{Status: http.StatusNotFound, Type: invalidRequest, Param: "permission_id", Code: "permission_not_found",
					Message: fmt.Sprintf("No such permission: %.100s", id)}
			}
			if len(keys) == 1 {
				return nil, invalid("permission_id", "last_permission", "This is the last key that may use '%.100s': without it, all could. Give another one permission first, or delete the model.", e.Name)
			}
			return slices.Delete(keys, i, i+1), nil
		})
	}
	if err != nil {
		h.failed(c, err)
		return
	}
	h.writeJSON(c, http.StatusOK, deletion{id, "checkpoint.permission", true})
}

// permit changes the keys of the adapter that the path names.
func (h adaptersHandler) permit(c *gin.Context, f func(e adapters.Entry, keys []string) ([]string, error)) (adapters.Entry, error) {
	name, _, err := checkpointTarget(c)
	if err != nil {
		return adapters.Entry{}, err
	}
	h.changing.Lock()
	defer h.changing.Unlock()
	e, err := h.entry(c, name)
	if err != nil {
		return e, err
	}
	s := e.Settings
	if s.Keys, err = f(e, slices.Clone(s.Keys)); err != nil {
		return e, err
	}
	to, err := h.Adapters.Configure(c.Request.Context(), e.Name, &s, nil, adapters.Change{Expected: e.Generation, By: exchangeOf(c).key.ID})
	if errors.Is(err, adapters.ErrMismatch) {
		err = fmt.Errorf("it was replaced meanwhile: %w", err)
	}
	return to, err
}
