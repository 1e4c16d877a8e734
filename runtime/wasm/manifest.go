package wasm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/vconduit/vconduit/runtime/wasm/core"
)

// ManifestSection is the custom section that holds a module's manifest.
const ManifestSection = "vcon.link.manifest"

// The newest version of the ABI that this host serves.
const abiMajor, abiMinor = 1, 0

// maxManifest bounds the section.
const maxManifest = 64 << 10

// Manifest is what a module says of itself. Nothing in it is granted: it is a wish.
type Manifest struct {
	Name    string          `json:"name,omitempty"`
	Version string          `json:"version,omitempty"`
	ABI     string          `json:"abi,omitempty"`     // least version that it needs, "1.0"; "" = 1.0
	Wants   json.RawMessage `json:"wants,omitempty"`   // capabilities, as in allow: of a link
	Options json.RawMessage `json:"options,omitempty"` // JSON Schema of its options
}

// readManifest reads the section of a module; one without has an empty manifest. Errors: not an object, a version that
// is none or newer than this host's.
func readManifest(sections []core.Custom) (*Manifest, error) {
	m := &Manifest{ABI: "1.0"}
	if len(sections) == 0 {
		return m, nil
	}
	if len(sections) > 1 {
		return nil, errors.New("it has several manifests")
	}
	section := sections[0].Data
	if len(section) > maxManifest {
		return nil, fmt.Errorf("the manifest is larger than %d bytes", maxManifest)
	}
	if err := json.Unmarshal(bytes.TrimSpace(section), m); err != nil {
		return nil, errors.New("the manifest is no JSON object of name, version, abi, wants, options")
	}
	major, minor, err := parseABI(m.ABI)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the manifest's abi %q is no version such as 1.0", m.ABI)
	case major != abiMajor:
		return nil, fmt.Errorf("it is made for ABI %s; this host serves %d.%d", m.ABI, abiMajor, abiMinor)
	case minor > abiMinor:
		return nil, fmt.Errorf("it needs ABI %s; this host serves %d.%d: update the server, or build the module for an older ABI", m.ABI, abiMajor, abiMinor)
	}
	return m, nil
}

func parseABI(text string) (major, minor int, err error) {
	a, b, ok := strings.Cut(text, ".")
	if !ok {
		return 0, 0, strconv.ErrSyntax
	}
	if major, err = strconv.Atoi(a); err == nil {
		minor, err = strconv.Atoi(b)
	}
	if err == nil && (major < 0 || minor < 0) {
		err = strconv.ErrRange
	}
	return major, minor, err
}
