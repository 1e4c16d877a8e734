package config

import "strings"

// canonical translates the module names of older vcon-server documentation: server.links.tag is links.tag.
func canonical(module string) string {
	rest, ok := strings.CutPrefix(module, "server.")
	if ok && hasPrefix(rest, "links.", "storage.", "tracers.") {
		return rest
	}
	return module
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// needsPin says that a module ref alone does not say which bytes are meant, and nothing but the link's sha256 does.
func needsPin(module string) bool {
	return hasPrefix(strings.TrimPrefix(module, "script:"), "file:", "https://", "http://")
}

// showModule is a module as messages have it: of a URL's user, password and query, only that they are there.
func showModule(module string) string {
	scheme, rest, isURL := strings.Cut(module, "://")
	if !isURL {
		return module
	}
	host, _, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 { // whatever is before it: a password may have ? and # in it
		rest = redacted + host[at:] + rest[len(host):]
	}
	if address, _, query := strings.Cut(rest, "?"); query {
		rest = address + "?" + redacted
	}
	return scheme + "://" + rest
}

// vendorOf gives the transcription vendor of a link module that now runs as links.transcribe.
func vendorOf(module string) string {
	switch module {
	case "links.openai_transcribe":
		return "openai"
	case "links.groq_whisper":
		return "groq"
	case "links.hugging_face_whisper":
		return "hugging_face"
	case "links.deepgram_link":
		return "deepgram"
	}
	return ""
}

// removedModule says what became of a module that vcon-server itself no longer has.
func removedModule(module string) string {
	switch module {
	case "links.script":
		return "vcon-server removed links.script; write the step as a WebAssembly module"
	case "links.summary":
		return "vcon-server removed links.summary; use links.analyze with analysis_type: summary"
	case "links.jlinc":
		return "vcon-server removed links.jlinc; use the tracer tracers.jlinc"
	}
	return ""
}

// normalise makes Module and SHA256 canonical and wraps the options of an old transcription link.
func (l *Link) normalise() {
	l.Written, l.WrittenOptions = l.Module, l.Options
	l.SHA256 = strings.ToLower(strings.TrimPrefix(l.SHA256, hashPrefix))
	l.Module = canonical(l.Module)
	if l.vendor = vendorOf(l.Module); l.vendor != "" {
		l.Module = "links.transcribe"
	}
	l.overlay(RawOptions{})
}

// overlay lays over's members over the link's own options, top level only.
func (l *Link) overlay(over RawOptions) {
	l.Options = wrapVendor(merged(l.WrittenOptions, over), l.vendor)
}

func merged(own, over RawOptions) RawOptions {
	if over.IsZero() {
		return own
	}
	if own.IsZero() {
		return over
	}
	base, err1 := parseJSON(own.raw)
	top, err2 := parseJSON(over.raw)
	if err1 != nil || err2 != nil {
		return own // cannot be: both were written by appendJSON
	}
	for i, k := range top.keys {
		base = base.with(k, top.items[i])
	}
	return RawOptions{base.appendJSON(nil)}
}

// wrapVendor makes {vendor, vendor_options: o} unless o already says either; after_link stays at the top.
func wrapVendor(o RawOptions, vendor string) RawOptions {
	if vendor == "" {
		return o
	}
	old := value{kind: objectValue}
	if !o.IsZero() {
		var err error
		if old, err = parseJSON(o.raw); err != nil {
			return o // cannot be: appendJSON wrote it
		}
	}
	for _, k := range []string{"vendor", "vendor_options"} {
		if _, ok := old.member(k); ok {
			return o
		}
	}
	inner := value{kind: objectValue}
	out := value{kind: objectValue}.with("vendor", value{kind: stringValue, text: vendor})
	for i, k := range old.keys {
		if k == "after_link" {
			out = out.with(k, old.items[i])
		} else {
			inner = inner.with(k, old.items[i])
		}
	}
	return RawOptions{out.with("vendor_options", inner).appendJSON(nil)}
}
