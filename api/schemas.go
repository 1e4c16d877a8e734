package api

func ref(name string) schema { return schema{"$ref": "#/components/schemas/" + name} }

func arrayOf(items schema) schema { return schema{"type": "array", "items": items} }

func object(required []string, properties schema) schema {
	s := schema{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func orNull(s schema) schema { return schema{"anyOf": []schema{s, {"type": "null"}}} }

func number(low, high, absent int) schema {
	return schema{"type": "integer", "minimum": low, "maximum": high, "default": absent}
}

func integerOr(absent int) schema { return schema{"type": "integer", "default": absent} }

var (
	anyText    = schema{"type": "string"}
	anyInteger = schema{"type": "integer"}
	anyUUID    = schema{"type": "string", "format": "uuid"}
	aDay       = schema{"type": "string", "format": "date"}
	aMoment    = schema{"type": "string", "format": "date-time"}
	aFlag      = schema{"type": "boolean", "default": false}
)

// schemas are the components that operations refer to; names are the Python server's where it has them.
func schemas() schema {
	version := object([]string{"version", "git_commit", "build_time"},
		schema{"version": anyText, "git_commit": anyText, "build_time": anyText})
	return schema{
		"Vcon":                vconSchema(),
		"PartyEntry":          object(nil, schema{"tel": orNull(anyText), "mailto": orNull(anyText), "name": orNull(anyText)}),
		"DialogEntry":         dialogSchema(),
		"ValidationError":     validationSchema(),
		"HTTPValidationError": object([]string{"detail"}, schema{"detail": arrayOf(ref("ValidationError"))}),
		"Detail":              object([]string{"detail"}, schema{"detail": anyText}),
		"Version":             version,
		"Health":              object([]string{"status", "version"}, schema{"status": anyText, "version": ref("Version")}),
		"Depth":               object([]string{"ready", "delayed", "leased", "dead"}, schema{"ready": anyInteger, "delayed": anyInteger, "leased": anyInteger, "dead": anyInteger}),
		"Usage": object([]string{"day", "key", "ingress_list", "vcons", "bytes", "duplicates"}, schema{
			"day": aDay, "key": anyText, "ingress_list": anyText, "vcons": anyInteger, "bytes": anyInteger, "duplicates": anyInteger}),
		"QueueDepth": object([]string{"list_name", "depth"}, schema{"list_name": anyText, "depth": anyInteger}),
		"Held":       object([]string{"uuid", "token"}, schema{"uuid": anyUUID, "token": anyText}),
		"Outcome": object([]string{"uuid", "status", "detail"}, schema{
			"uuid": orNull(anyUUID), "status": anyInteger,
			"detail": schema{"anyOf": []schema{{"type": "null"}, anyText, arrayOf(ref("ValidationError"))}},
		}),
		"DeadLetter": deadLetterSchema(),
		"Audit":      auditSchema(),
		"Unready":    schema{"type": "object"},
	}
}

// vconSchema names the members of an unsigned document and requires none: signed and encrypted documents have others,
// and server.validation decides what is refused.
func vconSchema() schema {
	entries := arrayOf(schema{"type": "object"})
	return object(nil, schema{
		"vcon": anyText, "uuid": anyText, "created_at": schema{"type": []string{"string", "number", "null"}},
		"subject": orNull(anyText), "redacted": orNull(schema{"type": "object"}), "appended": orNull(schema{"type": "object"}),
		"group": orNull(entries), "parties": orNull(arrayOf(ref("PartyEntry"))), "dialog": orNull(arrayOf(ref("DialogEntry"))),
		"analysis": orNull(entries), "attachments": orNull(entries),
	})
}

func dialogSchema() schema {
	return object(nil, schema{
		"type": anyText, "start": schema{"type": []string{"string", "number", "null"}},
		"duration": schema{"type": []string{"number", "string", "null"}},
		"parties":  schema{"type": []string{"array", "integer", "null"}},
		"url":      orNull(anyText), "mediatype": orNull(anyText), "mimetype": orNull(anyText), "alg": orNull(anyText),
	})
}

func validationSchema() schema {
	return object([]string{"loc", "msg", "type"}, schema{
		"loc":  arrayOf(schema{"type": []string{"string", "integer"}}),
		"msg":  anyText,
		"type": anyText,
		"ctx":  object([]string{"limit_value"}, schema{"limit_value": schema{"type": "number"}}),
	})
}

func deadLetterSchema() schema {
	return object([]string{"uuid", "ingress_list", "at", "count", "reason", "link", "storage", "detail", "attempt", "run", "done", "stage"}, schema{
		"uuid": anyUUID, "ingress_list": anyText, "at": orNull(aMoment), "count": anyInteger, "reason": anyText,
		"link": anyText, "storage": anyText, "detail": anyText, "attempt": anyInteger, "run": anyText,
		"done": arrayOf(anyText), "stage": schema{"type": "string", "enum": []string{"links", "storages", "delete", "resave"}},
	})
}

// auditSchema leaves open what a record has: docs/tracers/audit.md tells.
func auditSchema() schema {
	objects := arrayOf(schema{"type": "object"})
	return object([]string{"vcon", "records", "problems"}, schema{"vcon": anyUUID, "records": objects, "problems": objects})
}
