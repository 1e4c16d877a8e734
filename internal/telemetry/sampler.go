package telemetry

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// sampler keeps a share of the traces, by their ids. A request and the processing of what it queued are two traces, of
// which the second names the first: both are kept or neither. A caller that does not sample its trace is obeyed; one that
// does gets no more than the share.
type sampler struct{ share sdktrace.Sampler }

// ShouldSample implements sdktrace.Sampler.
func (s sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	parent := trace.SpanContextFromContext(p.ParentContext)
	origin := parent
	if !origin.IsValid() && len(p.Links) > 0 {
		origin = p.Links[0].SpanContext
	}
	result := sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: parent.TraceState()}
	switch {
	case !origin.IsValid():
		return s.share.ShouldSample(p)
	case !origin.IsSampled():
		return result
	case parent.IsValid() && !parent.IsRemote():
		result.Decision = sdktrace.RecordAndSample
		return result
	}
	p.TraceID = origin.TraceID()
	return s.share.ShouldSample(p)
}

// Description implements sdktrace.Sampler.
func (s sampler) Description() string { return "ByOrigin{" + s.share.Description() + "}" }
