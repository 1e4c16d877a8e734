package api

import (
	"bytes"

	"github.com/prometheus/common/expfmt"
	"github.com/valyala/fasthttp"
)

type version struct {
	Version string `json:"version"`
	Commit  string `json:"git_commit"`
	Built   string `json:"build_time"`
}

func (s *Server) version() version {
	return version{s.build.Version, s.build.Commit, s.build.Time}
}

// getVersion answers GET /version.
func getVersion(c *call) { c.json(fasthttp.StatusOK, c.s.version()) }

// getHealth answers GET /health: the process runs. Whether it can work is GET /ready.
func getHealth(c *call) {
	c.json(fasthttp.StatusOK, struct {
		Status  string  `json:"status"`
		Version version `json:"version"`
	}{"healthy", c.s.version()})
}

// getReady answers GET /ready.
func getReady(c *call) {
	if c.s.ready != nil {
		c.json(c.s.ready(c.s.base))
		return
	}
	health := c.s.store.Ready(c.s.base)
	status := fasthttp.StatusOK
	if !health.OK {
		status = fasthttp.StatusServiceUnavailable
	}
	c.json(status, health)
}

// metricsRoute is where the metrics are unless Settings.MetricsPath says otherwise.
const metricsRoute = "/metrics"

// getMetrics answers GET /metrics in the Prometheus text format.
func getMetrics(c *call) {
	families, err := c.s.gather.Gather()
	if err != nil {
		c.s.log.Error("gather metrics", "error", err)
	}
	var b bytes.Buffer
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	enc := expfmt.NewEncoder(&b, format)
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			c.s.log.Error("encode metrics", "error", err)
		}
	}
	c.ctx.Response.Header.SetContentType(string(format))
	c.ctx.Response.SetBodyRaw(b.Bytes())
}
