package link

import (
	"encoding/json"
	"strings"
)

// Tag is one tag of a vCon.
type Tag struct{ Name, Value string }

// Tag gives the first value of a tag; ok is false when there is none.
//
//	if lang, ok := c.Tag("language"); ok { … }
func (c *Call) Tag(name string) (value string, ok bool) {
	out, err := c.sized("tag_get", func(out []byte) int64 { return c.Host.TagGet([]byte(name), out) })
	return string(out), err == nil
}

// Tags gives all tags, in document order.
//
//	tags, err := c.Tags()
//	for _, tag := range tags {
//		c.Logf(link.LevelDebug, "%s is %s", tag.Name, tag.Value)
//	}
func (c *Call) Tags() ([]Tag, error) {
	text, err := c.sized("tag_list", c.Host.TagList)
	if err != nil {
		return nil, err
	}
	var list []string
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	tags := make([]Tag, len(list))
	for i, item := range list {
		tags[i].Name, tags[i].Value, _ = strings.Cut(item, ":")
	}
	return tags, nil
}

// AddTag adds a tag; the same tag again changes nothing. A name must not hold a colon. Errors: Denied, OverQuota,
// Invalid.
//
//	err := c.AddTag("priority", "high")
func (c *Call) AddTag(name, value string) error {
	return c.done("tag_add", c.Host.TagAdd([]byte(name), []byte(value)))
}

// RemoveTag takes a tag with this value away and says how many there were.
//
//	n, err := c.RemoveTag("priority", "high")
func (c *Call) RemoveTag(name, value string) (int, error) {
	n := c.Host.TagRemove([]byte(name), append([]byte{}, value...))
	return int(max(n, 0)), c.done("tag_remove", n)
}

// RemoveTags takes all values of a tag away and says how many there were.
//
//	n, err := c.RemoveTags("priority")
func (c *Call) RemoveTags(name string) (int, error) {
	n := c.Host.TagRemove([]byte(name), nil)
	return int(max(n, 0)), c.done("tag_remove", n)
}
