package builtin

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/vconduit/vconduit/builtin/link/diet"
	"github.com/vconduit/vconduit/builtin/link/tag_router"
	"github.com/vconduit/vconduit/builtin/link/webhook"
	"github.com/vconduit/vconduit/hostabi"
	"github.com/vconduit/vconduit/hostabi/outbound"
	"github.com/vconduit/vconduit/queue"
	link "github.com/vconduit/vconduit/sdk/go"
)

func tagGrants(json.RawMessage) (hostabi.Grants, error) {
	return hostabi.Grants{Tags: true}, nil
}

// readGrants: the whole vCon may be read, nothing else.
func readGrants(json.RawMessage) (hostabi.Grants, error) {
	return hostabi.Grants{Read: hostabi.Paths{All: true}}, nil
}

// samplerGrants: the uuid decides, nothing else of the vCon.
func samplerGrants(json.RawMessage) (hostabi.Grants, error) {
	return hostabi.Grants{Read: hostabi.Paths{Allow: []string{"/uuid"}}}, nil
}

// tagRouterGrants: the lists that the operator wrote. Tags are read where attachments may be.
func tagRouterGrants(options json.RawMessage) (hostabi.Grants, error) {
	var o tag_router.Options
	link.DecodeOptions(options, &o) // checked before
	g := hostabi.Grants{Read: hostabi.Paths{Allow: []string{"/attachments"}}, Queues: o.Targets()}
	for _, list := range g.Queues {
		if err := queue.CheckListName(list); err != nil {
			return g, fmt.Errorf("tag_routes: %w", err)
		}
	}
	return g, nil
}

func expireGrants(json.RawMessage) (hostabi.Grants, error) { return hostabi.Grants{TTL: true}, nil }

func delayGrants(json.RawMessage) (hostabi.Grants, error) { return hostabi.Grants{KV: true}, nil }

// webhookGrants: the whole vCon may be read, and posted to the URLs that the operator wrote.
func webhookGrants(options json.RawMessage) (hostabi.Grants, error) {
	var o webhook.Options
	link.DecodeOptions(options, &o) // checked before
	g := hostabi.Grants{Read: hostabi.Paths{All: true}}
	for i, target := range o.Targets() {
		rule, err := outbound.ForURL(target.URL)
		if err != nil {
			return g, fmt.Errorf("webhook-urls item %d: %w", i+1, err)
		}
		rule.Methods = []string{http.MethodPost}
		g.HTTP.Rules = append(g.HTTP.Rules, rule)
	}
	return g, nil
}

// dietGrants: the parts that the options make smaller may be written, and bodies go where the operator wrote.
func dietGrants(options json.RawMessage) (hostabi.Grants, error) {
	o := diet.DefaultOptions()
	link.DecodeOptions(options, &o) // checked before
	g := hostabi.Grants{Read: hostabi.Paths{All: true}, Write: hostabi.Paths{Allow: []string{"/dialog", "/analysis", "/attachments"}}}
	if o.RemoveSystemPrompts {
		g.Write = hostabi.Paths{All: true}
	}
	allow := func(option, url string, methods ...string) error {
		rule, err := outbound.ForURL(url)
		if err != nil {
			return fmt.Errorf("%s: %w", option, err)
		}
		rule.Methods = methods
		g.HTTP.Rules = append(g.HTTP.Rules, rule)
		return nil
	}
	switch {
	case !o.RemoveDialogBody:
	case o.S3Bucket != "":
		return g, allow("s3_bucket", o.BucketURL(), http.MethodPut, http.MethodGet)
	case o.PostMediaToURL != "":
		return g, allow("post_media_to_url", o.PostMediaToURL, http.MethodPost)
	}
	return g, nil
}
