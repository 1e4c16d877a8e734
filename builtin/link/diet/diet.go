// Package diet is the builtin link "links.diet": it makes vCons smaller. Bodies of dialogs go to a bucket or a URL, or
// away; analyses, attachments of some types and system prompts go away.
//
// A body leaves the vCon only after its new place has confirmed it: a failure is tried again or fails the vCon, with
// everything still in it. A body that is a URL already is left. Keys in the bucket follow from the run, so that another
// attempt overwrites the object of the first.
// Source: vcon-server's link of the same name.
package diet

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	link "github.com/vconduit/vconduit/sdk/go"
)

// DefaultExpiration is the life of a presigned URL, MaxExpiration the longest that S3 takes.
const (
	DefaultExpiration = time.Hour
	MaxExpiration     = 7 * 24 * time.Hour
)

// Options of the link. Absent options change nothing.
type Options struct {
	// RemoveDialogBody takes the bodies out of dialogs: to S3Bucket, else to PostMediaToURL, else away.
	RemoveDialogBody bool `json:"remove_dialog_body"`
	// PostMediaToURL gets {"content", "vcon_uuid", "dialog_id"} and answers {"url"}, which takes the place of the body.
	PostMediaToURL string `json:"post_media_to_url"`
	// RemoveAnalysis leaves analysis an empty array.
	RemoveAnalysis bool `json:"remove_analysis"`
	// RemoveAttachmentTypes are media types, purposes or types of attachments to remove.
	RemoveAttachmentTypes []string `json:"remove_attachment_types"`
	// RemoveSystemPrompts removes every member system_prompt, at any depth; not inside JSON that is kept as text.
	RemoveSystemPrompts bool `json:"remove_system_prompts"`
	// S3Bucket gets the bodies; S3Path stands before their keys.
	S3Bucket string `json:"s3_bucket"`
	S3Path   string `json:"s3_path"`
	// S3Endpoint is the origin of a server that is not AWS, which gets path-style requests.
	S3Endpoint string `json:"s3_endpoint"`
	KeyID      string `json:"aws_access_key_id"`
	Key        string `json:"aws_secret_access_key"`
	Region     string `json:"aws_region"` // default us-east-1
	// Expiration of the presigned URL that takes the place of a body, in seconds; 0 = 3600.
	Expiration int64 `json:"presigned_url_expiration"`
}

// DefaultOptions are those of absent options.
func DefaultOptions() Options { return Options{Region: "us-east-1"} }

// Check reports what decoding cannot see.
func (o *Options) Check() []link.Problem {
	var problems []link.Problem
	bad := func(option, text string) { problems = append(problems, link.Problem{Option: option, Text: text}) }
	if o.PostMediaToURL != "" && !isURL(o.PostMediaToURL) {
		bad("post_media_to_url", "want an http or https URL")
	}
	if o.S3Endpoint != "" && !isURL(o.S3Endpoint) {
		bad("s3_endpoint", "want an http or https URL")
	}
	if o.Expiration < 0 || o.Expiration > int64(MaxExpiration/time.Second) {
		bad("presigned_url_expiration", "want 1 to 604800 seconds")
	}
	if o.S3Bucket == "" {
		return problems
	}
	if strings.ContainsAny(o.S3Bucket, "/?#@: ") {
		bad("s3_bucket", "no name of a bucket")
	}
	if o.KeyID == "" || o.Key == "" {
		bad("aws_access_key_id", "s3_bucket needs this and aws_secret_access_key")
	}
	return problems
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// Check reports every problem of the options.
func Check(options json.RawMessage) []link.Problem {
	o := DefaultOptions()
	return link.DecodeOptions(options, &o)
}

// BucketURL is the URL of the bucket, "/" at its end. A name with dots is in no certificate as a host, so it stands in
// the path.
func (o *Options) BucketURL() string {
	switch {
	case o.S3Endpoint != "":
		return strings.TrimRight(o.S3Endpoint, "/") + "/" + o.S3Bucket + "/"
	case strings.Contains(o.S3Bucket, "."):
		return "https://s3." + o.Region + ".amazonaws.com/" + o.S3Bucket + "/"
	}
	return "https://" + o.S3Bucket + ".s3." + o.Region + ".amazonaws.com/"
}

// Run makes the vCon smaller.
func Run(c *link.Call) link.Result {
	o := DefaultOptions()
	if err := c.Options(&o); err != nil {
		return link.Fail(err)
	}
	for _, step := range []func(*link.Call, *Options) error{removeAnalysis, removeAttachments, removeBodies, removePrompts} {
		if err := step(c, &o); err != nil {
			return link.Fail(err)
		}
	}
	return link.Done()
}

// removeAnalysis leaves an array, to which later links append.
func removeAnalysis(c *link.Call, o *Options) error {
	if p := c.At("analysis"); o.RemoveAnalysis && p.Exists() {
		return p.Set([]any{})
	}
	return nil
}

// removeAttachments goes backwards: what is removed moves only what was looked at.
func removeAttachments(c *link.Call, o *Options) error {
	if len(o.RemoveAttachmentTypes) == 0 {
		return nil
	}
	for _, p := range slices.Backward(slices.Collect(c.At("attachments").Each())) {
		for _, name := range []string{"mediatype", "mimetype", "mime_type", "purpose", "type"} {
			if value, err := p.At(name).Text(); err == nil && slices.Contains(o.RemoveAttachmentTypes, value) {
				if err := p.Remove(); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

func removeBodies(c *link.Call, o *Options) error {
	if !o.RemoveDialogBody {
		return nil
	}
	i := -1
	for p := range c.At("dialog").Each() {
		i++
		if kind := p.At("body").Kind(); kind == link.Absent || kind == link.Null {
			continue
		}
		if kind, _ := p.At("body_type").Text(); kind == "url" {
			continue
		}
		if err := removeBody(c, o, p, i); err != nil {
			return fmt.Errorf("dialog %d: %w", i, err)
		}
	}
	return nil
}

func removeBody(c *link.Call, o *Options, p link.Place, i int) error {
	if o.S3Bucket == "" && o.PostMediaToURL == "" {
		return p.At("body").Set("")
	}
	if text, err := p.At("body").Text(); err == nil && text == "" {
		return nil
	}
	place, err := move(c, o, p, i)
	if err != nil {
		c.Count("conserver.link.diet.media_post_failures", 1)
		return err
	}
	if p.At("encoding").Exists() {
		if err := p.At("encoding").Set("none"); err != nil {
			return err
		}
	}
	if err := p.At("body").Set(place); err != nil {
		return err
	}
	return p.At("body_type").Set("url")
}

// move brings a body elsewhere and gives the URL there.
func move(c *link.Call, o *Options, p link.Place, i int) (string, error) {
	uuid, err := c.At("uuid").Text()
	if err != nil {
		return "", err
	}
	id, _ := p.At("id").Text()
	if o.S3Bucket != "" {
		return upload(c, o, p, uuid, id, i)
	}
	return post(c, o, p, uuid, id)
}

// upload puts the decoded body into the bucket, host to host.
func upload(c *link.Call, o *Options, p link.Place, uuid, id string, i int) (string, error) {
	info, err := c.Info()
	if err != nil {
		return "", err
	}
	body, err := p.Open()
	if err != nil {
		return "", err
	}
	defer body.Close()
	if id != "" {
		id += "_"
	}
	key := uuid + "/" + url.PathEscape(id) + info.Run + "-" + strconv.Itoa(i) + ".txt"
	if path := strings.Trim(o.S3Path, "/"); path != "" {
		key = (&url.URL{Path: path}).EscapedPath() + "/" + key
	}
	sign := link.AWS4{Service: "s3", Region: o.Region, Key: o.KeyID, Secret: o.Key}
	header := map[string]string{"Content-Type": "text/plain"}
	response, err := c.Send(link.Request{Method: "PUT", URL: o.BucketURL() + key, Header: header, Stream: body, Sign: &sign})
	if err != nil {
		return "", err
	}
	defer response.Close()
	if err := response.Check(); err != nil {
		return "", err
	}
	life := DefaultExpiration
	if o.Expiration > 0 {
		life = time.Duration(o.Expiration) * time.Second
	}
	return c.Presign(o.BucketURL()+key, life, sign)
}

// post sends the body as it stands, inside JSON.
func post(c *link.Call, o *Options, p link.Place, uuid, id string) (string, error) {
	body, err := p.At("body").JSON()
	if err != nil {
		return "", err
	}
	var answer struct {
		URL string `json:"url"`
	}
	err = c.PostJSON(o.PostMediaToURL, map[string]any{"content": json.RawMessage(body), "vcon_uuid": uuid, "dialog_id": id}, &answer)
	if err == nil && answer.URL == "" {
		err = errors.New("post_media_to_url: the answer names no url")
	}
	return answer.URL, err
}

// removePrompts comes last, when the document is small.
func removePrompts(c *link.Call, o *Options) error {
	if !o.RemoveSystemPrompts {
		return nil
	}
	var doc any
	if err := c.Pointer("").Into(&doc); err != nil {
		return err
	}
	return prune(c.Pointer(""), doc)
}

func prune(p link.Place, v any) error {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if err := prune(p.At(i), item); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range v {
			if name == "system_prompt" {
				if err := p.At(name).Remove(); err != nil {
					return err
				}
				continue
			}
			if err := prune(p.At(name), item); err != nil {
				return err
			}
		}
	}
	return nil
}
