package config

// redact replaces what must not be shown: everything if hidden, else the values of members with a secret's name and the
// credentials in URLs. Empty texts, null, booleans and numbers stay unless hidden.
func (v value) redact(hidden bool) value {
	switch v.kind {
	case stringValue:
		return value{kind: stringValue, text: redactText(v.text, hidden)}
	case numberValue:
		if hidden {
			return value{kind: stringValue, text: redacted}
		}
		return v
	case listValue, objectValue:
		out := value{kind: v.kind, keys: v.keys, items: make([]value, len(v.items))}
		for i, item := range v.items {
			out.items[i] = item.redact(hidden || v.kind == objectValue && secretName(v.keys[i]))
		}
		return out
	}
	return v
}

// redactText shows a ${VAR} that stands alone, because it is a name and not the secret.
func redactText(s string, hidden bool) string {
	if hidden && !isReference(s) {
		return hide(s)
	}
	return hideUserinfo(s)
}

// redactFile redacts a whole file. What is a secret depends on the place: `auth` is a section of ours and no
// credential, and a link may be called `token`.
func (v value) redactFile() value {
	out := v
	out.items = make([]value, len(v.items))
	for i, key := range v.keys {
		out.items[i] = v.items[i].redactSection(key)
	}
	return out
}

func (v value) redactSection(name string) value {
	switch name {
	case "server", "queue", "sandbox", "modules":
		return v.redactURLs()
	case "auth":
		return v.each(func(_ string, keys value) value {
			return keys.each(func(_ string, k value) value { return k.redact(false) })
		})
	case "ingress_auth":
		return v.each(func(_ string, keys value) value { return keys.redactKeys() })
	case "telemetry":
		return v.each(func(part string, v value) value {
			return v.each(func(key string, v value) value { return v.redact(part == "otlp" && key == "headers") })
		})
	case "links", "storages", "tracers", "followers", "imports":
		return v.each(func(_ string, entry value) value { return entry.redactEntry() })
	case "chains":
		return v.each(func(_ string, chain value) value {
			return chain.each(func(key string, v value) value {
				if key != "links" {
					return v.redact(secretName(key))
				}
				return v.each(func(_ string, ref value) value { // a name, or a map of one name to options
					return ref.each(func(_ string, options value) value { return options.redact(false) })
				})
			})
		})
	}
	return v.redact(secretName(name))
}

// redactEntry is for a link, storage, tracer, follower. What allow: says about secrets are names and hosts.
func (v value) redactEntry() value {
	return v.each(func(key string, m value) value {
		if key == "allow" {
			return m.redactURLs()
		}
		return m.redact(secretName(key))
	})
}

// redactKeys is for the keys of one ingress list: a key, a list of keys, maps with key.
func (v value) redactKeys() value {
	switch v.kind {
	case listValue:
		return v.each(func(_ string, k value) value { return k.redactKeys() })
	case objectValue:
		return v.redact(false)
	}
	return v.redact(true)
}

func (v value) redactURLs() value {
	if v.kind == stringValue {
		return value{kind: stringValue, text: hideUserinfo(v.text)}
	}
	return v.each(func(_ string, m value) value { return m.redactURLs() })
}

// each maps the items of a list or object; f gets "" for the key of a list's item. A scalar is redacted by URL only.
func (v value) each(f func(key string, item value) value) value {
	if v.kind != listValue && v.kind != objectValue {
		return v.redact(false)
	}
	out := value{kind: v.kind, keys: v.keys, items: make([]value, len(v.items))}
	for i, item := range v.items {
		key := ""
		if v.kind == objectValue {
			key = v.keys[i]
		}
		out.items[i] = f(key, item)
	}
	return out
}
