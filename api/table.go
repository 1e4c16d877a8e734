package api

import "github.com/valyala/fasthttp"

// table is every route, static paths before those with a variable: the first that fits a path names the method of 405.
func table() []*route {
	var all []*route
	for _, part := range [][]*route{systemRoutes(), vconRoutes(), listRoutes(), dlqRoutes(), configRoutes()} {
		all = append(all, part...)
	}
	return append(all, documentRoutes()...)
}

func systemRoutes() []*route {
	listName := param{name: "list_name", required: true, schema: anyText, about: "A list, or DLQ:<list>."}
	return []*route{
		{method: get, path: "/version", handle: getVersion,
			doc: operation{tag: "system", summary: "What runs", result: ref("Version")}},
		{method: get, path: "/health", handle: getHealth,
			doc: operation{tag: "system", summary: "The process runs", result: ref("Health")}},
		{method: get, path: "/ready", handle: getReady,
			doc: operation{tag: "system", summary: "The server can do its work", result: schema{"type": "object"},
				also: map[int]string{fasthttp.StatusServiceUnavailable: "Unready"}}},
		{method: get, path: metricsRoute, scope: scopeMetrics, handle: getMetrics,
			doc: operation{tag: "system", summary: "Metrics in the Prometheus text format", result: anyText, media: "text/plain"}},
		{method: get, path: "/backup", auth: authKey, scope: scopeAdmin, handle: getBackup,
			doc: operation{tag: "system", summary: "The whole store as of now, in one file for vconduit restore; one at a time",
				result: schema{"type": "string", "format": "binary"}, media: mediaBackup,
				also: map[int]string{fasthttp.StatusConflict: "Detail"}}},
		{method: get, path: "/stats/queue", handle: getDepth,
			doc: operation{tag: "system", summary: "How many ids wait on a list", params: []param{listName}, result: ref("QueueDepth")}},
		{method: get, path: "/openapi.json", handle: getOpenAPI,
			doc: operation{tag: "system", summary: "This description", result: schema{"type": "object"}}},
		{method: get, path: "/docs", handle: getDocs,
			doc: operation{tag: "system", summary: "This description, to read", result: anyText, media: "text/html"}},
		{method: get, path: "/redoc", handle: getDocs,
			doc: operation{tag: "system", summary: "The same page as /docs", result: anyText, media: "text/html"}},
	}
}

var (
	paramList   = param{name: "ingress_list", schema: arrayOf(anyText), about: "List to queue on; repeated or joined by commas."}
	paramLists  = param{name: "ingress_lists", schema: arrayOf(anyText), about: "The same as ingress_list."}
	paramIngest = param{name: "ingress_list", required: true, schema: anyText}
	paramEgress = param{name: "egress_list", required: true, schema: anyText, about: "A list, or DLQ:<list>."}
	paramOnce   = param{name: "Idempotency-Key", in: "header", schema: anyText, about: "A repeated request with the same key and body changes nothing for 24 h."}
)

func vconRoutes() []*route {
	return []*route{
		{method: get, path: "/vcon", auth: authKey, scope: scopeRead, handle: listVCons,
			doc: operation{tag: "vcon", summary: "A page of uuids, newest first", result: arrayOf(anyUUID), params: []param{
				{name: "page", schema: integerOr(1)}, {name: "size", schema: integerOr(50), about: "Below 0: all."},
				{name: "since", schema: aMoment}, {name: "until", schema: aMoment}}}},
		{method: post, path: "/vcon", auth: authKey, scope: scopeWrite, body: bodyVCon, handle: postVCon,
			doc: operation{tag: "vcon", summary: "Store a vCon and queue it", body: ref("Vcon"), status: fasthttp.StatusCreated,
				result: ref("Vcon"), params: []param{paramList, paramLists, paramOnce}}},
		{method: get, path: "/vcons", auth: authKey, scope: scopeRead, handle: getVCons,
			doc: operation{tag: "vcon", summary: "Several vCons, null where there is none", result: arrayOf(orNull(ref("Vcon"))),
				params: []param{{name: "vcon_uuids", required: true, schema: arrayOf(anyUUID)}}}},
		{method: post, path: "/vcons", auth: authKey, scope: scopeWrite, body: bodyJSON, handle: postVCons,
			doc: operation{tag: "vcon", summary: "Store and queue several vCons, each on its own", body: arrayOf(ref("Vcon")),
				result: arrayOf(ref("Outcome")), params: []param{paramList, paramLists, paramOnce}}},
		{method: get, path: "/vcons/search", auth: authKey, scope: scopeRead, handle: searchVCons,
			doc: operation{tag: "vcon", summary: "uuids of vCons that match every term, newest first", result: arrayOf(anyUUID),
				params: []param{{name: "tel", schema: anyText}, {name: "mailto", schema: anyText}, {name: "name", schema: anyText},
					{name: "q", schema: anyText, about: "Words, \"phrases\", pre* and -not, in subject, parties, dialogs and analyses."},
					{name: "since", schema: aMoment}, {name: "until", schema: aMoment},
					{name: "limit", schema: number(1, 10_000, searchPage), about: "Without q and limit: all."},
					{name: "page", schema: number(1, 1<<20, 1)}},
				also: map[int]string{fasthttp.StatusBadRequest: "Detail"}}},
		{method: get, path: "/index_vcons", auth: authKey, scope: scopeAdmin, handle: getReindex,
			doc: operation{tag: "config", summary: "Rebuild the search indexes; how many vCons there are", result: anyInteger}},
	}
}

func listRoutes() []*route {
	return []*route{
		{method: post, path: "/vcon/ingress", auth: authKey, scope: scopeWrite, body: bodyJSON, handle: postIngress,
			doc: operation{tag: "chain", summary: "Queue vCons that exist", body: arrayOf(anyUUID),
				status: fasthttp.StatusNoContent, params: []param{paramIngest}}},
		{method: get, path: "/vcon/egress", auth: authKey, scope: scopeWrite, handle: getEgress,
			doc: operation{tag: "chain", summary: "Take ids from a list, oldest first",
				result: arrayOf(schema{"anyOf": []schema{anyUUID, ref("Held")}}), params: []param{paramEgress,
					{name: "limit", schema: integerOr(1)},
					{name: "ack", schema: aFlag, about: "Give ids with tokens; those not acknowledged within 60 s come back."}}}},
		{method: post, path: "/vcon/egress/ack", auth: authKey, scope: scopeWrite, body: bodyJSON, handle: postAck,
			doc: operation{tag: "chain", summary: "Keep what GET /vcon/egress?ack=true gave; how many were still held",
				body: arrayOf(ref("Held")), result: anyInteger, params: []param{paramEgress}}},
		{method: get, path: "/vcon/count", auth: authKey, scope: scopeRead, handle: getCount,
			doc: operation{tag: "chain", summary: "How many ids wait on a list", result: anyInteger, params: []param{paramEgress}}},
		{method: post, path: "/vcon/external-ingress", auth: authIngress, body: bodyVCon, handle: postExternal,
			doc: operation{tag: "external", summary: "A partner's submission to the list its key is for", body: ref("Vcon"),
				status: fasthttp.StatusNoContent, params: []param{paramIngest, paramOnce}, also: map[int]string{fasthttp.StatusTooManyRequests: "Detail"}}},
	}
}

func dlqRoutes() []*route {
	list := param{name: "ingress_list", required: true, schema: anyText, about: "A list, or storage:<name>."}
	anyList := param{name: "ingress_list", schema: anyText, about: "A list, or storage:<name>; none: all of them."}
	filter := []param{list,
		{name: "vcon_uuid", schema: arrayOf(anyUUID)}, {name: "link", schema: anyText},
		{name: "reason", schema: anyText}, {name: "since", schema: aMoment}}
	storageFilter := []param{filter[1], filter[3], filter[4]}
	return []*route{
		{method: get, path: "/dlq", auth: authKey, scope: scopeDLQ, handle: getDLQ,
			doc: operation{tag: "dlq", summary: "uuids of a list's dead letters, oldest first", result: arrayOf(anyUUID), params: []param{list}}},
		{method: get, path: "/dlq/entries", auth: authKey, scope: scopeDLQ, handle: getDLQEntries,
			doc: operation{tag: "dlq", summary: "Dead letters with their reasons, oldest first", result: arrayOf(ref("DeadLetter")),
				params: append([]param{{name: "offset", schema: integerOr(0)}, {name: "limit", schema: number(1, 10_000, 100)}, anyList}, filter[1:]...)}},
		{method: post, path: "/dlq/reprocess", auth: authKey, scope: scopeDLQ, handle: postReprocess,
			doc: operation{tag: "dlq", summary: "Queue dead letters again, oldest first; how many", result: anyInteger,
				params: append([]param{{name: "count", schema: number(1, 100_000, 1000)},
					{name: "from", schema: schema{"type": "string", "enum": []string{"failed", "start"}, "default": "failed"}}}, filter...)}},
		{method: get, path: "/dlq/storage", auth: authKey, scope: scopeDLQ, handle: getStorageDLQ,
			doc: operation{tag: "dlq", summary: "What storages owe, with reasons, by storage and oldest first", result: arrayOf(ref("DeadLetter")),
				params: append([]param{{name: "offset", schema: integerOr(0)}, {name: "limit", schema: number(1, 10_000, 100)},
					{name: "storage", schema: anyText, about: "Name of a storage; none: all of them."}}, storageFilter...)}},
		{method: post, path: "/dlq/storage/reprocess", auth: authKey, scope: scopeDLQ, handle: postStorageReprocess,
			doc: operation{tag: "dlq", summary: "Save dead letters again in one storage, oldest first; how many", result: anyInteger,
				params: append([]param{{name: "count", schema: number(1, 100_000, 1000)},
					{name: "storage", required: true, schema: anyText, about: "Name of a storage."}}, storageFilter...)}},
		{method: post, path: "/dlq/purge", auth: authKey, scope: scopeDLQ, handle: postPurge,
			doc: operation{tag: "dlq", summary: "Drop dead letters for good; how many", result: anyInteger, params: filter}},
	}
}

func configRoutes() []*route {
	return []*route{
		{method: get, path: "/usage", auth: authKey, scope: scopeUsage, handle: getUsage,
			doc: operation{tag: "config", summary: "What each key submitted to each list, by UTC day", result: arrayOf(ref("Usage")),
				params: []param{{name: "from", schema: aDay, about: "First day; default 30 days back."}, {name: "to", schema: aDay},
					{name: "key", schema: anyText, about: "Name of a key, or list#n."}, {name: "ingress_list", schema: anyText}}}},
		{method: post, path: "/drain", auth: authKey, scope: scopeAdmin, handle: postDrain,
			doc: operation{tag: "config", summary: "Stop working and put everything under way back on its list; what each list holds",
				result: schema{"type": "object", "additionalProperties": ref("Depth")}}},
		{method: get, path: "/config", auth: authKey, scope: scopeConfigRead, handle: getConfig,
			doc: operation{tag: "config", summary: "The configuration file, secrets as ***", result: schema{"type": "object"},
				params: []param{{name: "secrets", schema: aFlag, about: "Needs the scope config:secrets."}}}},
		{method: post, path: "/config", auth: authKey, scope: scopeConfigWrite, body: bodyJSON, handle: postConfig,
			doc: operation{tag: "config", summary: "Replace the configuration file; *** keeps what is there", body: schema{"type": "object"},
				status: fasthttp.StatusNoContent, also: map[int]string{fasthttp.StatusPreconditionFailed: "Detail"},
				params: []param{{name: "If-Match", in: "header", schema: anyText, about: "The ETag of GET /config."}}}},
	}
}

func documentRoutes() []*route {
	return []*route{
		{method: get, path: "/vcon/{vcon_uuid}", auth: authKey, scope: scopeRead, handle: getVCon,
			doc: operation{tag: "vcon", summary: "One vCon", result: ref("Vcon"), also: map[int]string{fasthttp.StatusNotFound: "Detail"}}},
		{method: get, path: "/audit/{vcon_uuid}", auth: authKey, scope: scopeAudit, handle: getAudit,
			doc: operation{tag: "audit", summary: "What links did to a vCon, from the audit log", result: ref("Audit"),
				also: map[int]string{fasthttp.StatusNotFound: "Detail"}}},
		{method: del, path: "/vcon/{vcon_uuid}", auth: authKey, scope: scopeWrite, handle: deleteVCon,
			doc: operation{tag: "vcon", summary: "Delete a vCon here and in the storages", status: fasthttp.StatusNoContent}},
	}
}
