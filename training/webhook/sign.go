package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Secrets are whsec_ and so many bytes in base64 (specification, "Signature scheme").
const (
	secretPrefix = "whsec_"
	leastSecret  = 24
	mostSecret   = 64
)

// errSecret does not repeat the secret: errors are logged.
var errSecret = errors.New("the secret is not whsec_ followed by 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 32)")

// Key is what signs the webhooks of an endpoint.
type Key []byte

// ParseSecret reads a secret as endpoints know it: "whsec_…".
func ParseSecret(secret string) (Key, error) {
	rest, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(rest)
	if !ok || err != nil || len(key) < leastSecret || len(key) > mostSecret {
		return nil, errSecret
	}
	return key, nil
}

// String keeps keys out of logs.
func (Key) String() string { return secretPrefix + "…" }

// sign is the value of webhook-signature: "v1," and the HMAC-SHA256, in base64, of id,
// time and body with full stops between them.
func (k Key) sign(id string, at time.Time, body []byte) string {
	h := hmac.New(sha256.New, k)
	fmt.Fprintf(h, "%s.%s.", id, stamp(at))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// stamp is the value of webhook-timestamp: seconds since 1970.
func stamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
