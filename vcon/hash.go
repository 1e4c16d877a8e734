package vcon

import (
	"encoding/base64"
	"strings"
)

// ContentHash is the expected hash of external content.
type ContentHash struct {
	Alg    string // lower case without hyphens: "sha512", "sha256"
	Digest []byte
}

// String is the form of the drafts: "sha512-" and the digest in base64url without padding.
func (h ContentHash) String() string {
	return h.Alg + "-" + base64.RawURLEncoding.EncodeToString(h.Digest)
}

// HashesOf are the hashes of the external content of a dialog, an analysis or an attachment, given as its JSON text.
// stated: the object says something of a hash, though it may be nothing that reads as one.
func HashesOf(object Value) (hashes []ContentHash, stated bool) {
	o := newPart(object, atDialog|atAnalysis|atAttachment)
	stated = !o.Get("content_hash").isEmpty() || !o.Get("alg").isEmpty() && !o.Get("signature").isEmpty()
	return o.contentHashes(), stated
}

// contentHashes reads content_hash, one or many, or the old pair of alg and signature. What does not parse is left out.
func (o part) contentHashes() []ContentHash {
	var all []ContentHash
	for _, s := range o.Get("content_hash").texts() {
		if h, ok := parseContentHash(s); ok {
			all = append(all, h)
		}
	}
	if len(all) > 0 {
		return all
	}
	alg := strings.ReplaceAll(strings.ToLower(o.Text("alg")), "-", "")
	if h, ok := parseContentHash(alg + "-" + o.Text("signature")); ok {
		return []ContentHash{h}
	}
	return nil
}

// parseContentHash splits at the first hyphen: the digest may hold more. Padding and the standard alphabet are read too.
func parseContentHash(s string) (ContentHash, bool) {
	alg, text, ok := strings.Cut(s, "-")
	if !ok || alg == "" || text == "" {
		return ContentHash{}, false
	}
	digest, err := base64.RawURLEncoding.DecodeString(urlAlphabet.Replace(text))
	return ContentHash{Alg: strings.ToLower(alg), Digest: digest}, err == nil && len(digest) > 0
}

var urlAlphabet = strings.NewReplacer("+", "-", "/", "_", "=", "")

// digestSize is the length of a known algorithm's digest in bytes, 0 for others.
func digestSize(alg string) int {
	switch alg {
	case "sha256", "sha3256", "blake2b256":
		return 32
	case "sha384":
		return 48
	case "sha512":
		return 64
	}
	return 0
}
