package api

// table is every route, static paths before those with a variable: the first that fits a path names the method of 405.
func table() []*route {
	return []*route{
		{method: get, path: "/version", auth: authOpen, handle: getVersion},
		{method: get, path: "/health", auth: authOpen, handle: getHealth},
		{method: get, path: "/ready", auth: authOpen, handle: getReady},
		{method: get, path: "/metrics", auth: authOpen, scope: scopeMetrics, handle: getMetrics},
		{method: post, path: "/vcon", auth: authKey, scope: scopeWrite, body: bodyVCon, handle: postVCon},
		{method: post, path: "/vcon/external-ingress", auth: authIngress, body: bodyVCon, handle: postExternal},
		{method: get, path: "/vcon/{vcon_uuid}", auth: authKey, scope: scopeRead, handle: getVCon},
	}
}
