package api

import (
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"
)

// Reasons why a key that fits was refused, as metrics name them.
const (
	refusedRate    = "rate"
	refusedQuota   = "quota"
	refusedExpired = "expired"
)

// limiters are the token buckets of partners' keys, by account. They outlive a change of the settings, so that a reload
// gives nobody a full bucket.
type limiters struct {
	mu sync.Mutex
	of map[string]*rate.Limiter
}

// wait takes a token of a key, or says when there is one again; 0 = it was taken.
func (l *limiters) wait(account string, k *IngressKey) time.Duration {
	if k.Rate <= 0 {
		return 0
	}
	now := time.Now()
	r := l.bucket(account, k, now).ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// bucket is the account's, filled as the settings in force say.
func (l *limiters) bucket(account string, k *IngressKey, now time.Time) *rate.Limiter {
	burst := k.Burst
	if burst <= 0 {
		burst = max(int(k.Rate), 1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of[account]
	if b == nil {
		if l.of == nil {
			l.of = map[string]*rate.Limiter{}
		}
		b = rate.NewLimiter(rate.Limit(k.Rate), burst)
		l.of[account] = b
	}
	if b.Limit() != rate.Limit(k.Rate) {
		b.SetLimitAt(now, rate.Limit(k.Rate))
	}
	if b.Burst() != burst {
		b.SetBurstAt(now, burst)
	}
	return b
}

// tooMany answers 429 and counts it.
func (c *call) tooMany(reason, detail string, wait time.Duration) {
	c.s.metrics.refused.WithLabelValues(c.who.name, reason).Inc()
	c.ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, seconds(wait))
	c.detail(fasthttp.StatusTooManyRequests, detail)
}

// seconds are whole ones, at least 1: a client that comes too early is refused again.
func seconds(d time.Duration) string {
	return strconv.FormatInt(max(int64((d+time.Second-1)/time.Second), 1), 10)
}

// untilMidnight is the rest of the UTC day, by which quotas count.
func untilMidnight(now time.Time) time.Duration {
	return now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
}
