package hostabi

import (
	"slices"
	"strings"

	"github.com/vconduit/vconduit/vcon"
)

// retag stages the new body of a tags attachment as tags that came and went, where tags are granted and the body holds
// nothing else; done: it was one.
func (a *answer) retag(ch vcon.Change) (done bool, _ *callError) {
	attachment, isBody := strings.CutSuffix(ch.Path, "/body")
	if ch.Op != "replace" || !isBody || depthOf(attachment) != 2 || !within(attachment, "/attachments") || a.c.mayTag() != nil {
		return false, nil
	}
	old, _ := a.sent.Get(attachment)
	body, _ := old.Get("/body")
	before, ok := vcon.TagsIn(body)
	after, still := vcon.TagsIn(ch.Value)
	if !ok || !still || !isTags(old) {
		return false, nil
	}
	if err := a.dropTags(before, after); err != nil {
		return true, err
	}
	return true, a.addTags(slices.DeleteFunc(after, among(before)))
}

// dropTags removes the tags that are no more. One that stands in another attachment too is still a tag of the vCon.
func (a *answer) dropTags(before, after []string) *callError {
	gone := slices.DeleteFunc(slices.Clone(before), among(after))
	if len(gone) == 0 {
		return nil
	}
	count := map[string]int{}
	for _, tag := range a.c.doc.Tags() {
		count[tag]++
	}
	for _, tag := range gone {
		if count[tag] != 1 {
			continue
		}
		name, value, _ := strings.Cut(tag, ":")
		err := a.c.stage(0, func() error {
			_, err := a.c.doc.RemoveTag(name, value, false)
			return err
		}, "/attachments")
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *answer) addTags(tags []string) *callError {
	for _, tag := range tags {
		if err := a.inTime(); err != nil {
			return err
		}
		name, value, _ := strings.Cut(tag, ":")
		if err := a.c.stage(len(tag), func() error { return a.c.doc.AddTag(name, value) }, "/attachments"); err != nil {
			return err
		}
	}
	return nil
}

// among reports whether a tag is among these.
func among(tags []string) func(string) bool {
	set := make(map[string]bool, len(tags))
	for _, t := range tags {
		set[t] = true
	}
	return func(t string) bool { return set[t] }
}

// isTags reports whether an attachment is one for tags.
func isTags(attachment vcon.Value) bool {
	for _, name := range []string{"/purpose", "/type"} {
		v, _ := attachment.Get(name)
		if text, _ := v.Text(); text == "tags" {
			return true
		}
	}
	return false
}

// onlyTags are the tags of an attachment of which nothing would be lost if only these were kept.
func onlyTags(attachment vcon.Value) ([]string, bool) {
	for name := range attachment.Members() {
		if !slices.Contains([]string{"purpose", "type", "encoding", "body"}, name) {
			return nil, false
		}
	}
	body, _ := attachment.Get("/body")
	tags, ok := vcon.TagsIn(body)
	return tags, ok && isTags(attachment)
}
