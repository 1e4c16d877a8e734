package metric

import "github.com/prometheus/client_golang/prometheus"

// The Python server's metrics. It spells some attributes with a dot and some with an underscore: so do its dashboards.
var (
	Enqueued = Instrument{Name: "conserver.api.count_vcons_enqueued", Kind: Counter, Unit: "{vcon}", Labels: []string{"ingress_list", "source"},
		Help: `vCons put on an ingress list by the API. Lists that no chain and no key names count as "other".`}
	Received = Instrument{Name: "conserver.main_loop.count_vcons_received", Kind: Counter, Unit: "{vcon}", Labels: []string{"ingress_list"},
		Help: "vCons leased from an ingress list."}
	Processed = Instrument{Name: "conserver.main_loop.count_vcons_processed", Kind: Counter, Unit: "{vcon}", Labels: []string{"chain.name"},
		Help: "vCons that a chain finished or halted."}
	Processing = Instrument{Name: "conserver.main_loop.vcon_processing_time", Kind: Histogram, Unit: "s", Labels: []string{"chain.name"},
		Help: "From lease to end.", Buckets: chainSeconds()}
	Inflight = Instrument{Name: "conserver.vcons.inflight", Kind: UpDown, Unit: "{vcon}", Labels: []string{"chain.name"},
		Help: "vCons being worked."}
	Links = Instrument{Name: "conserver.link.count", Kind: Counter, Unit: "{run}", Labels: []string{"link_name", "outcome"},
		Help: "Runs of links: success, halt, error, retry, skipped."}
	LinkTime = Instrument{Name: "conserver.link.execution_time", Kind: Histogram, Unit: "s", Labels: []string{"link.name", "chain.name"},
		Help: "One run of a link.", Buckets: chainSeconds()}
	Storages = Instrument{Name: "conserver.storage.count", Kind: Counter, Unit: "{operation}", Labels: []string{"backend", "op", "outcome"},
		Help: "Operations on storages: save, delete, get; success or error."}
	StorageTime = Instrument{Name: "conserver.storage.duration_ms", Kind: Histogram, Unit: "ms", Labels: []string{"backend", "outcome"},
		Help: "One operation on a storage, tries included.", Buckets: prometheus.ExponentialBuckets(0.5, 3, 12)}
	Dead = Instrument{Name: "conserver.dlq.count", Kind: Counter, Unit: "{vcon}", Labels: []string{"queue_name", "reason"},
		Help: "New dead letters."}
	ListLength = Instrument{Name: "conserver.ingress_list.length", Kind: Gauge, Unit: "{vcon}", Labels: []string{"ingress_list", "kind"},
		Help: "Length of an ingress list: ingress (ready), delayed, leased, dlq."}
	ReadMiss = Instrument{Name: "conserver.lib.vcon_redis.get_vcon_redis_miss", Kind: Counter, Unit: "{read}",
		Help: "Reads of vCons that are not in the live store, whatever that is."}
	ReadHit = Instrument{Name: "conserver.lib.vcon_redis.get_vcon_storage_hit", Kind: Counter, Unit: "{read}",
		Help: "Such reads that a storage answered."}
	ReadNotFound = Instrument{Name: "conserver.lib.vcon_redis.get_vcon_not_found", Kind: Counter, Unit: "{read}",
		Help: "Such reads that no storage could answer."}
)

// Our own.
var (
	Chains = Instrument{Name: "vconduit.chains", Kind: Gauge, Unit: "{chain}", Labels: []string{"state"},
		Help: "Chains of the configuration: running, held."}
	Requests = Instrument{Name: "vconduit.http.requests", Kind: Counter, Unit: "{request}", Labels: []string{"method", "route", "status"},
		Help: "Requests answered, by route and status."}
	RequestTime = Instrument{Name: "vconduit.http.request_duration", Kind: Histogram, Unit: "s", Labels: []string{"method", "route"},
		Help:    "From the end of the headers to the answer, by route.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60}}
	Panics = Instrument{Name: "vconduit.http.panics", Kind: Counter, Unit: "{panic}",
		Help: "Handlers that panicked."}
	Connections = Instrument{Name: "vconduit.http.connections", Kind: UpDown, Unit: "{connection}",
		Help: "Open connections."}
	BodyBytes = Instrument{Name: "vconduit.http.body_bytes", Kind: UpDown, Unit: "By",
		Help: "Bytes of request bodies held now."}
	Refused = Instrument{Name: "vconduit.api.refused", Kind: Counter, Unit: "{request}", Labels: []string{"key_name", "reason"},
		Help: "Requests refused to a key that fits: rate, quota, expired. The key by its name, or list#n."}
	UsageVCons = Instrument{Name: "vconduit.usage.vcons", Kind: Counter, Unit: "{vcon}", Labels: []string{"key_name", "ingress_list"},
		Help: "vCons taken, by the key's name (list#n without one) and list; retries are not counted. GET /usage has them by day."}
	UsageBytes = Instrument{Name: "vconduit.usage.bytes", Kind: Counter, Unit: "By", Labels: []string{"key_name", "ingress_list"},
		Help: "Bytes of the same vCons."}
	UnknownList = Instrument{Name: "vconduit.api.unknown_list", Kind: Counter, Unit: "{vcon}",
		Help: "vCons put on a list that no chain reads."}
)

// All is the whole table.
func All() []Instrument {
	return []Instrument{
		Enqueued, Received, Processed, Processing, Inflight, Links, LinkTime, Storages, StorageTime, Dead, ListLength, ReadMiss, ReadHit, ReadNotFound,
		Chains, Requests, RequestTime, Panics, Connections, BodyBytes, Refused, UsageVCons, UsageBytes, UnknownList,
	}
}

// chainSeconds are the buckets of everything that runs a chain: 1 ms to about 9 min.
func chainSeconds() []float64 { return prometheus.ExponentialBuckets(0.001, 3, 13) }
