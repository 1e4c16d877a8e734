package jq_link

// pair is the old and the new name of a member.
type pair struct{ old, new string }

// The members that drafts have renamed: of the vCon, of each entry, and of attachments alone.
var (
	topNames        = []pair{{"appended", "amended"}, {"must_support", "critical"}}
	entryNames      = []pair{{"schema_version", "schema"}, {"mimetype", "mediatype"}, {"must_support", "critical"}}
	attachmentNames = []pair{{"type", "purpose"}}
)

// bothNames gives renamed members their other name too, so that filters written for one draft match documents of
// another. A name that is there keeps its value.
func bothNames(doc map[string]any) {
	alias(doc, topNames)
	for _, name := range []string{"dialog", "analysis", "attachments"} {
		for entry := range entries(doc[name]) {
			alias(entry, entryNames)
			if name == "attachments" {
				alias(entry, attachmentNames)
			}
		}
	}
}

func alias(object map[string]any, names []pair) {
	for _, n := range names {
		before, hasOld := object[n.old]
		now, hasNew := object[n.new]
		switch {
		case hasOld && !hasNew:
			object[n.new] = before
		case hasNew && !hasOld:
			object[n.old] = now
		}
	}
}

// entries goes over the objects of an array, over nothing when it is none.
func entries(v any) func(yield func(map[string]any) bool) {
	list, _ := v.([]any)
	return func(yield func(map[string]any) bool) {
		for _, item := range list {
			if entry, ok := item.(map[string]any); ok && !yield(entry) {
				return
			}
		}
	}
}

// textsOnly leaves only the texts of every array that is a body, and reports whether that changed anything. Filters that
// test each item of a body for a text were written for bodies that hold nothing else, such as tags.
func textsOnly(v any) bool {
	changed := false
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			changed = textsOnly(item) || changed
		}
	case map[string]any:
		for name, item := range v {
			list, ok := item.([]any)
			if name != "body" || !ok {
				changed = textsOnly(item) || changed
				continue
			}
			texts := texts(list)
			changed = changed || len(texts) != len(list)
			v[name] = texts
		}
	}
	return changed
}

func texts(list []any) []any {
	kept := make([]any, 0, len(list))
	for _, item := range list {
		if text, ok := item.(string); ok {
			kept = append(kept, text)
		}
	}
	return kept
}
