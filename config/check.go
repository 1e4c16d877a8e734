package config

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// at finds the place of a key, or of the nearest key above it that the file has.
func (l *loading) at(path string) Pos {
	if n, ok := l.seen[path]; ok {
		return n.pos
	}
	return Pos{}
}

// goodName is the grammar of the names of links, storages and chains: they stand in paths, metrics and list names.
func goodName(s string) bool {
	return len(s) >= 1 && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && r != '_' && r != '.' && r != '-'
	})
}

func (l *loading) checkName(section, name string, pos Pos) {
	if !goodName(name) {
		l.add(Error, codeValue, pos, keyPath(section, name), "is no name", "use 1 to 64 of A-Z a-z 0-9 _ . -")
	}
}

func (l *loading) checkList(path, name string, pos Pos) {
	var err error
	if l.CheckList != nil {
		err = l.CheckList(name)
	} else if name == "" {
		err = fmt.Errorf("a list needs a name")
	}
	if err != nil {
		l.add(Error, codeValue, pos, path, err.Error(), "")
	}
}

func (l *loading) checkServer() {
	s := &l.Server
	if (s.TLS.Cert == "") != (s.TLS.Key == "") {
		l.add(Error, codeValue, l.at("server.tls"), "server.tls", "cert and key belong together; one is missing", "")
	}
	s.RootPath = strings.TrimRight(s.RootPath, "/")
	if s.RootPath != "" && s.RootPath[0] != '/' {
		s.RootPath = "/" + s.RootPath
	}
	if strings.ContainsAny(s.RootPath, "?# {}*") {
		l.add(Error, codeValue, l.at("server.root_path"), "server.root_path", "is no path", "as /api")
	}
	if !token(s.KeyHeader) {
		l.add(Error, codeValue, l.at("server.key_header"), "server.key_header", "is no name of an HTTP header", "CONSERVER_HEADER_NAME sets it too")
	}
	if s.BodyLimit > s.BodyInflight {
		l.add(Warning, codeValue, l.at("server.body_inflight"), "server.body_inflight",
			fmt.Sprintf("is less than server.body_limit (%s): the largest bodies are always answered 503", s.BodyLimit), "")
	}
	if p := l.Telemetry.Prometheus.Path; p == "" || p[0] != '/' {
		l.add(Error, codeValue, l.at("telemetry.prometheus.path"), "telemetry.prometheus.path", "must begin with /", "")
	}
	l.checkOTLP()
}

// token is a name as HTTP allows it for headers and methods.
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}

func (l *loading) checkKeys() {
	names := map[string]bool{}
	for i, k := range l.Auth.Keys {
		path := indexPath("auth.keys", i)
		if k.Name == "" {
			l.add(Error, codeValue, k.Pos, path, "a key needs a name; it stands in logs and metrics", "")
		} else if names[k.Name] {
			l.add(Error, codeValue, k.Pos, path+".name", "two keys have this name", "")
		}
		names[k.Name] = true
		if k.Key.IsZero() && !l.set(path+".key") {
			l.add(Error, codeValue, k.Pos, path, "has no key", `key: "${NAME}" or key: "sha256:..."`)
		}
		if len(k.Scopes) == 0 {
			l.add(Error, codeValue, k.Pos, path, "has no scopes, so it may do nothing", "scopes: "+strings.Join(Scopes(), " "))
		}
		for j, s := range k.Scopes {
			l.checkScope(indexPath(path+".scopes", j), s, k.Pos)
		}
		l.checkExpiry(path, k.Expires, k.Pos)
	}
	for _, list := range l.IngressAuth {
		path := keyPath("ingress_auth", list.List)
		l.checkList(path, list.List, list.Pos)
		for i, k := range list.Keys {
			at := indexPath(path, i)
			if n := l.seen[path]; n != nil && n.kind != listNode { // one key, not a list of them
				at = path
			}
			if k.Key.IsZero() && !l.set(at+".key") {
				l.add(Error, codeValue, k.Pos, at, "has no key", "")
			}
			l.checkExpiry(at, k.Expires, k.Pos)
			if !k.Quota.IsZero() && k.Quota.Per != 24*time.Hour {
				l.add(Error, codeValue, k.Pos, at+".quota", "is counted by the day", "write it as 100000/day; a rate bounds shorter times")
			}
			if k.Burst > 0 && k.Rate.IsZero() {
				l.add(Warning, codeValue, k.Pos, at+".burst", "does nothing without a rate", "")
			}
		}
	}
}

// expirySoon is how long before its end a key is warned of.
const expirySoon = 14 * 24 * time.Hour

func (l *loading) checkExpiry(path string, t time.Time, pos Pos) {
	switch left := time.Until(t); {
	case t.IsZero():
	case left <= 0:
		l.add(Warning, codeKey, pos, path+".expires", "this key has expired", "")
	case left < expirySoon:
		l.add(Warning, codeKey, pos, path+".expires", fmt.Sprintf("this key expires in %d days", int(left.Hours()/24)),
			"put its successor beside it: both are good until then")
	}
}

func (l *loading) checkScope(path, scope string, pos Pos) {
	name, publish := strings.CutPrefix(scope, "modules:publish:")
	if slices.Contains(Scopes(), scope) || publish && goodName(strings.TrimSuffix(name, "*")+"x") {
		return
	}
	hint := "known: " + strings.Join(Scopes(), " ") + " modules:publish:NAME"
	if near := nearest(scope, Scopes()); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	l.add(Error, codeValue, pos, path, fmt.Sprintf("%q is no scope", scope), hint)
}

func (l *loading) checkQueue() {
	for i, s := range l.Queue.Redis.URL {
		u, err := url.Parse(string(s.URL))
		if err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) {
			path := indexPath("queue.redis.url", i)
			l.add(Error, codeValue, l.at("queue.redis.url"), path, "is no address of a Redis", "as redis://host:6379/0 or rediss://...; REDIS_URL sets it too")
		}
	}
	if len(l.Queue.Redis.URL) > 0 && !slices.ContainsFunc(l.Queue.Redis.URL, func(s Shard) bool { return !s.Drain }) {
		l.add(Error, codeValue, l.at("queue.redis.url"), "queue.redis.url", "every shard drains; nothing could be stored", "")
	}
}

func (l *loading) checkFollowers() {
	for _, f := range l.Followers {
		path := keyPath("followers", f.Name)
		l.checkName("followers", f.Name, f.Pos)
		for _, key := range []string{"url", "egress_list", "follower_ingress_list", "auth_token", "pulling_interval", "fetch_vcon_limit"} {
			if !l.set(path + "." + key) {
				l.add(Error, codeValue, f.Pos, path, key+" is missing", "followers need all six keys")
			}
		}
		if u, err := url.Parse(string(f.URL)); f.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			l.add(Error, codeValue, l.at(path+".url"), path+".url", "is no http or https address", "")
		}
		if f.FollowerIngressList != "" {
			l.checkList(path+".follower_ingress_list", f.FollowerIngressList, l.at(path+".follower_ingress_list"))
		}
	}
}

func (l *loading) checkStorages() {
	for _, s := range l.Storages {
		l.checkName("storages", s.Name, s.Pos)
	}
	for _, t := range l.Tracers {
		l.checkName("tracers", t.Name, t.Pos)
	}
}

// checkImports: refs are fetched beforehand; names of Python modules have no meaning here.
func (l *loading) checkImports() {
	for _, i := range l.Imports {
		if !IsModule(i.Module) {
			l.add(Warning, codePython, i.Pos, keyPath("imports", i.Name), "a Python module cannot be imported here; ignored", "remove it, or name a module ref (oci://...)")
		} else if !slices.ContainsFunc(l.Links, func(k Link) bool { return k.Module == i.Module }) {
			l.add(Warning, codeNotEnforced, i.Pos, keyPath("imports", i.Name), "nothing pins this module, so it is not fetched", "name it as the module: of a link, with sha256: links fetch theirs before their chains start")
		}
	}
}

func (l *loading) checkLinks() {
	for _, k := range l.Links {
		path := keyPath("links", k.Name)
		l.checkName("links", k.Name, k.Pos)
		if k.SHA256 != "" && !hexDigest(k.SHA256) {
			l.add(Error, codeValue, l.at(path+".sha256"), path+".sha256", "is not 64 hex digits", "the SHA-256 of the wasm bytes, as sha256sum prints it")
		}
		if k.Shadow != "" && !IsModule(k.Shadow) {
			l.add(Error, codeValue, l.at(path+".shadow"), path+".shadow", "is no module ref", "as oci://host/name:1.2.0")
		}
		if k.Retry.MaxDelay < k.Retry.Delay {
			l.add(Warning, codeValue, l.at(path+".retry"), path+".retry", "max_delay is below delay; delay is cut to it", "")
		}
		l.checkGrants(path+".allow", k.Allow)
		l.checkCeiling(path, k)
	}
}

func hexDigest(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 64
}

func (l *loading) checkSandbox() {
	l.checkGrants("sandbox.ceiling.allow", l.Sandbox.Ceiling.Allow)
	for i, s := range l.Modules.Sources {
		path := indexPath("modules.sources", i)
		if s.Match == "" {
			l.add(Error, codeValue, l.at("modules.sources"), path, "match is missing", `as match: "oci://registry.example/"`)
		} else if !hasPrefix(s.Match, "https://", "oci://") {
			l.add(Error, codeValue, l.at(path+".match"), path+".match", "begins with neither https:// nor oci://", "")
		}
		for j, network := range s.Private {
			if p, err := netip.ParsePrefix(network); err != nil || p.Addr().Is4In6() {
				l.add(Error, codeValue, l.at(path+".private"), indexPath(path+".private", j), "is no network", "as 10.0.0.0/8")
			}
		}
		if where, name, _ := strings.Cut(s.Auth.From, ":"); s.Auth.Kind == "bearer" && (where != "env" && where != "file" || name == "") {
			l.add(Error, codeValue, l.at(path+".auth"), path+".auth", "bearer says where the token is", "env:NAME or file:PATH")
		}
		if s.Auth.Kind == "docker" && hasPrefix(s.Match, "https://") {
			l.add(Error, codeValue, l.at(path+".auth"), path+".auth", "docker is for oci:// sources", "an https:// source takes {bearer: env:NAME}")
		}
	}
}
