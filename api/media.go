package api

import (
	"bytes"
	"strings"

	"github.com/vconduit/vconduit/vcon"
)

// isJSONType reports whether a body with this content type is read as JSON. Form and text types are: curl -d and
// careless clients send JSON under them.
func isJSONType(contentType []byte) bool {
	if len(contentType) == 0 || bytes.Equal(contentType, typeJSON) {
		return true
	}
	switch t := bareType(contentType); t {
	case "application/json", "application/vcon", "application/vcon+gzip", "text/plain", "text/json",
		"application/octet-stream", "application/x-www-form-urlencoded", "application/gzip":
		return true
	default:
		return strings.HasSuffix(t, "+json")
	}
}

func isGzipType(contentType []byte) bool {
	if len(contentType) == 0 || bytes.Equal(contentType, typeJSON) {
		return false
	}
	return bareType(contentType) == "application/vcon+gzip"
}

// bareType is a media type without parameters, in lower case.
func bareType(contentType []byte) string {
	t, _, _ := strings.Cut(string(contentType), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// topKind is the JSON kind of a text by its first byte.
func topKind(text []byte) vcon.Kind {
	return vcon.Value(bytes.TrimLeft(text, " \t\r\n")).Kind()
}
