package config

// finish applies environment and flags, checks what spans several keys, and decides which chains are held.
func (l *loading) finish() {
	for i := range l.Links {
		l.Links[i].normalise()
	}
	for i := range l.Storages {
		s := &l.Storages[i]
		s.Written, s.Module = s.Module, canonical(s.Module)
	}
	for i := range l.Tracers {
		t := &l.Tracers[i]
		t.Written, t.Module = t.Module, canonical(t.Module)
	}
	if l.Queue.Store == "auto" {
		l.Queue.Store = "embedded"
		if len(l.Queue.Redis.URL) > 0 {
			l.Queue.Store = "redis"
		}
	}
	if t, ok := l.env.get("CONSERVER_API_TOKEN"); ok {
		l.Auth.Tokens = append(l.Auth.Tokens, HashKey(t))
	}
	l.Server.ListenSet = l.set("server.listen")
	if !l.Server.ListenSet {
		l.Server.Listen = "127.0.0.1:8000"
		if !l.Auth.Open() {
			l.Server.Listen = "0.0.0.0:8000"
		}
	}
}
