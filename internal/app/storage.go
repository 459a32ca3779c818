package app

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"graft/api"
	"graft/internal/store"
)

// keyring lets the API check keys against the store.
type keyring struct{ store *store.Store }

func (k keyring) Check(ctx context.Context, secret string) (api.KeyInfo, error) {
	key, err := k.store.Authenticate(ctx, secret)
	if errors.Is(err, store.ErrNotFound) {
		return api.KeyInfo{}, api.ErrBadKey
	}
	return api.KeyInfo{ID: key.ID, Name: key.Name, Admin: key.Role == store.Admin}, err
}

// responses lets the API keep responses in the store.
type responses struct{ store *store.Store }

func (r responses) Put(ctx context.Context, owner, id string, body json.RawMessage) error {
	return r.store.PutResponse(ctx, store.Response{ID: id, Owner: owner, Created: time.Now(), Body: body})
}

func (r responses) Get(ctx context.Context, owner, id string) (json.RawMessage, error) {
	stored, err := r.store.Response(ctx, owner, id)
	return stored.Body, noResponse(err)
}

func (r responses) Delete(ctx context.Context, owner, id string) error {
	return noResponse(r.store.DeleteResponse(ctx, owner, id))
}

func noResponse(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return api.ErrNoResponse
	}
	return err
}

// digests lets the engine keep the digests of weights from start to start.
type digests struct{ store *store.Store }

// Digest is kept as the state of the files, a line feed, and the digest.
func (d digests) Digest(ctx context.Context, path string) (state, digest string, err error) {
	kept, err := d.store.Meta(ctx, digestOf(path))
	if errors.Is(err, store.ErrNotFound) {
		return "", "", nil
	}
	state, digest, _ = strings.Cut(kept, "\n")
	return state, digest, err
}

func (d digests) SetDigest(ctx context.Context, path, state, digest string) error {
	return d.store.SetMeta(ctx, digestOf(path), state+"\n"+digest)
}

// digestOf is the name in the store.
func digestOf(path string) string { return "digest of " + path }
