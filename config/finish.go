package config

import (
	"net"
	"slices"
	"time"
)

// finish applies environment and flags, checks what spans several keys, and decides which chains are held.
func (l *loading) finish() {
	for i := range l.Links {
		l.Links[i].normalise()
		l.Links[i].AllowSet = l.set(keyPath("links", l.Links[i].Name) + ".allow")
	}
	for i := range l.Storages {
		s := &l.Storages[i]
		s.Written, s.Module = s.Module, canonical(s.Module)
	}
	for i := range l.Tracers {
		t := &l.Tracers[i]
		t.Written, t.Module = t.Module, canonical(t.Module)
	}
	l.VconServer = l.root != nil && !l.ourKeys()
	l.Server.ListenSet, l.Queue.ExpirySet = l.set("server.listen"), l.set("queue.expiry")
	l.chooseStore()
	l.environment()
	l.flags()
	l.chooseListen()
	l.checkServer()
	l.checkKeys()
	l.checkQueue()
	l.checkSandbox()
	l.checkLinks()
	l.checkStorages()
	l.checkImports()
	l.checkFollowers()
	l.checkChains()
	l.shareLists()
	l.hold()
	l.plainSecrets()
	l.enforcement()
}

// chooseStore resolves auto; REDIS_URL, which comes later, may still make it redis.
func (l *loading) chooseStore() {
	redis := len(l.Queue.Redis.URL) > 0
	if _, ok := l.env.get("REDIS_URL"); ok {
		redis = true
	}
	if l.Queue.Store == "auto" {
		l.Queue.Store = "embedded"
		if redis {
			l.Queue.Store = "redis"
		}
	}
	if l.Queue.Store == "redis" && !l.set("queue.index_keep") {
		l.Queue.IndexKeep = 24 * time.Hour // VCON_INDEX_EXPIRY may change it
	}
	if l.Queue.Store == "redis" && !redis {
		n := l.seen["queue.store"]
		l.add(Error, codeValue, n.pos, "queue.store", "redis needs an address", "set queue.redis.url or REDIS_URL")
	}
}

func (l *loading) flags() {
	if l.Flags.Listen != "" {
		l.Server.Listen, l.Server.ListenSet = l.Flags.Listen, true
	}
	if l.Flags.DataDir != "" {
		l.DataDir = l.Flags.DataDir
	}
	l.Server.Insecure = l.Server.Insecure || l.Flags.Insecure
}

// chooseListen serves everybody only behind a token: without one just this machine, unless the operator insists.
func (l *loading) chooseListen() {
	if !l.Server.ListenSet {
		l.Server.Listen = "127.0.0.1:8000"
		if !l.Auth.Open() || l.Server.Insecure {
			l.Server.Listen = "0.0.0.0:8000"
		}
		return
	}
	pos := Pos{}
	if n, ok := l.seen["server.listen"]; ok {
		pos = n.pos
	}
	host, port, err := net.SplitHostPort(l.Server.Listen)
	if err != nil || port == "" {
		l.add(Error, codeListen, pos, "server.listen", "is no address", "write host:port, as 0.0.0.0:8000")
		return
	}
	if l.Auth.Open() && !l.Server.Insecure && !loopback(host) {
		l.add(Error, codeListen, pos, "server.listen", "this address is open to others and no token is set",
			"set CONSERVER_API_TOKEN, or listen on 127.0.0.1, or say VCONDUIT_INSECURE=1 (--insecure)")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ourKeys says whether the file has a key that vcon-server did not have.
func (l *loading) ourKeys() bool {
	old := [][]string{
		{"ingress_auth"}, {"imports"}, {"links"}, {"storages"}, {"tracers"}, {"chains"}, {"followers"},
		{"ingress_auth", "*"}, {"imports", "*"}, {"imports", "*", "module"}, {"imports", "*", "pip_name"},
		{"links", "*"}, {"links", "*", "module"}, {"links", "*", "options"}, {"links", "*", "pip_name"},
		{"storages", "*"}, {"storages", "*", "module"}, {"storages", "*", "options"},
		{"tracers", "*"}, {"tracers", "*", "module"}, {"tracers", "*", "options"}, {"tracers", "*", "pip_name"},
		{"chains", "*"}, {"chains", "*", "links"}, {"chains", "*", "storages"}, {"chains", "*", "ingress_lists"},
		{"chains", "*", "egress_lists"}, {"chains", "*", "enabled"}, {"chains", "*", "timeout"}, {"chains", "*", "tracers"},
		{"followers", "*"}, {"followers", "*", "*"},
	}
	for path := range l.seen {
		parts := SplitPath(path)
		if !slices.ContainsFunc(old, func(p []string) bool { return matches(p, parts) }) {
			return true
		}
	}
	return slices.ContainsFunc(l.Links, func(link Link) bool { return IsModule(link.Module) })
}
