package vcon

import "testing"

func TestCanonical(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string]string{
		"":                                  "",
		"/appended":                         "/amended",
		"/dialog/0/mimetype":                "/dialog/0/mediatype",
		"/dialog/*/mimetype":                "/dialog/*/mediatype",
		"/dialog/-/transfer-target":         "/dialog/-/transfer_target",
		"/analysis/3/schema_version":        "/analysis/3/schema",
		"/analysis/3/transcript/text":       "/analysis/3/body/text",
		"/attachments/0/type":               "/attachments/0/purpose",
		"/dialog/0/type":                    "/dialog/0/type",
		"/parties/0/mimetype":               "/parties/0/mimetype",
		"/dialog/0/party_history/1/dtmf":    "/dialog/0/party_history/1/button",
		"/dialog/0/body/mimetype":           "/dialog/0/body/mimetype",
		"/x/mimetype":                       "/x/mimetype",
		"/a~1b/c~0d":                        "/a~1b/c~0d",
		"/attachments/0/meta/mimetype/type": "/attachments/0/meta/mimetype/type",
	} {
		if got := Canonical(pointer); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", pointer, got, want)
		}
	}
}
