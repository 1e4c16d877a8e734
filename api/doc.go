// Package api is the HTTP side of vconduit: the routes of the Python vcon-server with its status codes, details and
// headers, and a few of our own, on fasthttp.
//
// What it guarantees: a 2xx to a submission means that the store has the document and its list entries, durably; the
// bytes that were sent are the bytes that are stored and given back; keys are compared without telling how much of one
// was right, and no key, option or document reaches a log, a metric or an error text; a body, a header and a number of
// connections beyond the limits is refused before it costs memory; a panic in a handler is one answer 500.
//
// What comes from outside: Options once, Settings as often as the configuration changes (Server.Apply). Every request
// works with one snapshot of the settings.
//
// Left to others: durability and lists (queue), what a document means (vcon), reading files and deciding what runs
// (config, internal/app), chains and storages (runtime). Routes: docs/http.md and GET /openapi.json.
package api
