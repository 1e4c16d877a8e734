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
