package api

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"graft/internal/store"
)

// Bounds of uploads, as OpenAI's.
const (
	maxUploaded    = 8 << 30 // bytes of a file that comes in parts
	maxPart        = 64 << 20
	maxUploadParts = 10_000
	uploadAllowed  = time.Hour
)

// uploadObject is OpenAI's.
type uploadObject struct {
	ID        string      `json:"id"`
	Object    string      `json:"object"`
	Bytes     int64       `json:"bytes"`
	CreatedAt int64       `json:"created_at"`
	ExpiresAt int64       `json:"expires_at"`
	Filename  string      `json:"filename"`
	Purpose   string      `json:"purpose"`
	Status    string      `json:"status"`
	File      *fileObject `json:"file"`
}

func uploadOf(u store.Upload, f *store.File) uploadObject {
	o := uploadObject{
		ID: u.ID, Object: "upload", Bytes: u.Bytes, CreatedAt: u.Created.Unix(), ExpiresAt: u.Expires.Unix(),
		Filename: u.Name, Purpose: u.Purpose, Status: u.Status,
	}
	if f != nil {
		file := fileOf(*f)
		o.File = &file
	}
	return o
}

// createUpload is POST /v1/uploads.
func (h filesHandler) createUpload(c *gin.Context) {
	u := store.Upload{ID: h.ID("upload_"), Owner: exchangeOf(c).key.ID, Status: store.UploadPending, Created: h.Now()}
	u.Expires = u.Created.Add(uploadAllowed)
	err := h.read(c, func(o *object) {
		o.require("bytes")
		if v, ok := o.value("bytes"); ok {
			u.Bytes = v.integer(1, maxUploaded)
		}
		o.require("filename")
		if o.string("filename", &u.Name) {
			u.Name = u.Name[strings.LastIndexAny(u.Name, `/\`)+1:]
			o.d.check(checkFileName(u.Name))
		}
		o.require("mime_type")
		var media string // a file is bytes here
		o.string("mime_type", &media)
		o.require("purpose")
		o.enum("purpose", &u.Purpose, sentPurposes...)
		o.object("expires_after", func(o *object) {
			var anchor string
			o.require("anchor")
			o.enum("anchor", &anchor, "created_at")
			o.require("seconds")
			if v, ok := o.value("seconds"); ok {
				u.Lifetime = time.Duration(v.integer(int64(minLifetime/time.Second), int64(maxLifetime/time.Second))) * time.Second
			}
		})
	})
	if err == nil {
		err = h.Files.PutUpload(c.Request.Context(), u)
	}
	if err != nil {
		h.fail(c, filesError(err), "")
		return
	}
	h.writeJSON(c, http.StatusOK, uploadOf(u, nil))
}

// check notes an *Error of a check that is not the decoder's own.
func (d *decoder) check(err error) {
	var e *Error
	if errors.As(err, &e) {
		d.fail(e)
	}
}

// upload is an upload that the client may see.
func (h filesHandler) upload(c *gin.Context) (store.Upload, error) {
	id := c.Param("id")
	u, err := h.Files.Upload(c.Request.Context(), id)
	if err == nil && !h.owns(c, u.Owner) {
		err = store.ErrNotFound
	}
	if errors.Is(err, store.ErrNotFound) {
		err = &Error{Status: http.StatusNotFound, Type: invalidRequest, Param: "upload_id", Code: "upload_not_found", Message: fmt.Sprintf("No such Upload object: %.100s", id)}
	}
	if err == nil && u.Status != store.UploadPending {
		err = fmt.Errorf("%w: upload %s is %s", store.ErrEnded, u.ID, u.Status)
	}
	return u, err
}

// addPart is POST /v1/uploads/{id}/parts.
func (h filesHandler) addPart(c *gin.Context) {
	p, err := h.receivePart(c)
	if err != nil {
		h.fail(c, filesError(err), "")
		return
	}
	h.writeJSON(c, http.StatusOK, struct {
		ID        string `json:"id"`
		Object    string `json:"object"`
		CreatedAt int64  `json:"created_at"`
		UploadID  string `json:"upload_id"`
	}{p.ID, "upload.part", p.Created.Unix(), p.Upload})
}

func (h filesHandler) receivePart(c *gin.Context) (store.Part, error) {
	u, err := h.upload(c)
	if err != nil {
		return store.Part{}, err
	}
	known, err := h.Files.Parts(c.Request.Context(), u.ID)
	if err != nil {
		return store.Part{}, err
	}
	if len(known) >= maxUploadParts {
		return store.Part{}, invalid("data", "too_many_parts", "The upload has %d parts already, and may not have more.", maxUploadParts)
	}
	content, _, fields, err := h.form(c, "data", maxPart)
	if content != nil {
		defer content.Discard()
	}
	if err != nil {
		return store.Part{}, err
	}
	for key := range fields {
		if h.Options.Strict {
			return store.Part{}, invalid(clip(key, 100), "unknown_parameter", "Unknown parameter: '%.100s'.", key)
		}
	}
	p := store.Part{ID: h.ID("part_"), Upload: u.ID, Bytes: content.Bytes, Created: h.Now()}
	return p, h.Files.PutPart(c.Request.Context(), p, content)
}

// completeUpload is POST /v1/uploads/{id}/complete: the parts in their order become
// a file.
func (h filesHandler) completeUpload(c *gin.Context) {
	u, f, err := h.complete(c)
	if err != nil {
		h.fail(c, filesError(err), "")
		return
	}
	h.writeJSON(c, http.StatusOK, uploadOf(u, &f))
}

func (h filesHandler) complete(c *gin.Context) (store.Upload, store.File, error) {
	ctx := c.Request.Context()
	var ids []string
	var sum string
	if err := h.read(c, func(o *object) {
		o.require("part_ids")
		if v, ok := o.value("part_ids"); ok {
			v.items(maxUploadParts, func(_ int, item value) { ids = append(ids, item.string()) })
		}
		o.string("md5", &sum)
	}); err != nil {
		return store.Upload{}, store.File{}, err
	}
	u, err := h.upload(c)
	if err != nil {
		return u, store.File{}, err
	}
	known, err := h.Files.Parts(ctx, u.ID)
	if err != nil {
		return u, store.File{}, err
	}
	parts := partsReader{files: h.Files}
	var total int64
	taken := map[string]bool{}
	for i, id := range ids {
		p, ok := known[id]
		param := fmt.Sprintf("part_ids[%d]", i)
		switch {
		case !ok:
			return u, store.File{}, invalid(param, "part_not_found", "Invalid '%s': the upload has no part '%.100s'.", param, id)
		case taken[id]:
			return u, store.File{}, invalid(param, "invalid_value", "Invalid '%s': the part '%.100s' is there twice.", param, id)
		}
		taken[id] = true
		total += p.Bytes
		parts.list = append(parts.list, p)
	}
	if total != u.Bytes {
		return u, store.File{}, invalid("part_ids", "upload_size_mismatch", "The parts have %d bytes together, but the upload was created for %d.", total, u.Bytes)
	}
	hash := md5.New()
	content, err := h.Files.StageFile(io.TeeReader(&parts, hash))
	parts.close()
	if err != nil {
		return u, store.File{}, err
	}
	defer content.Discard()
	if got := hex.EncodeToString(hash.Sum(nil)); sum != "" && !strings.EqualFold(got, sum) {
		return u, store.File{}, invalid("md5", "checksum_mismatch", "The md5 of the parts is %s, not %.40s.", got, sum)
	}
	f := store.File{ID: h.ID("file-"), Owner: u.Owner, Name: u.Name, Purpose: u.Purpose, Created: h.Now()}
	if u.Lifetime > 0 {
		f.Expires = f.Created.Add(u.Lifetime)
	}
	f, err = h.Files.CompleteUpload(ctx, u.ID, f, content)
	u.Status, u.File = store.UploadCompleted, f.ID
	return u, f, err
}

// partsReader reads parts one after the other.
type partsReader struct {
	files Files
	list  []store.Part
	open  io.ReadCloser // nil: none
}

func (p *partsReader) Read(b []byte) (int, error) {
	for {
		if p.open == nil {
			if len(p.list) == 0 {
				return 0, io.EOF
			}
			f, err := p.files.OpenFile(store.File{Digest: p.list[0].Digest})
			if err != nil {
				return 0, err
			}
			p.open, p.list = f, p.list[1:]
		}
		n, err := p.open.Read(b)
		if err == io.EOF {
			p.close()
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (p *partsReader) close() {
	if p.open != nil {
		p.open.Close()
		p.open = nil
	}
}

// cancelUpload is POST /v1/uploads/{id}/cancel.
func (h filesHandler) cancelUpload(c *gin.Context) {
	u, err := h.upload(c)
	if err == nil {
		err = h.Files.CancelUpload(c.Request.Context(), u.ID)
	}
	if err != nil {
		h.fail(c, filesError(err), "")
		return
	}
	u.Status = store.UploadCancelled
	h.writeJSON(c, http.StatusOK, uploadOf(u, nil))
}
