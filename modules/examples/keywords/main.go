// Command keywords is a link that finds words in conversations: in dialogs of text, and in transcripts that an earlier
// link made. Each word found gives a tag and stands in one analysis, with how often it was said.
package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	link "github.com/vconduit/vconduit/sdk/go"
)

// Options of the link.
type Options struct {
	// Words to find, single ones, in any case.
	Words []string `json:"words"`
	// Tag is the name of the tags; default "keyword".
	Tag string `json:"tag"`
}

// Check reports what would never be found.
func (o *Options) Check() (problems []link.Problem) {
	for i, word := range o.Words {
		if len(split(word)) != 1 {
			problems = append(problems, link.Problem{Option: "words", Text: fmt.Sprintf("item %d must be one word", i+1)})
		}
	}
	return problems
}

// Run finds the words.
func Run(c *link.Call) link.Result {
	o := Options{Tag: "keyword"}
	if err := c.Options(&o); err != nil {
		return link.Fail(err)
	}
	said, err := count(c)
	if err != nil {
		return link.Fail(err)
	}
	found := map[string]int{}
	for _, word := range o.Words {
		word = strings.ToLower(word)
		if said[word] == 0 {
			continue
		}
		found[word] = said[word]
		if err := c.AddTag(o.Tag, word); err != nil {
			return link.Fail(err)
		}
	}
	if len(found) == 0 {
		return link.NoChange()
	}
	c.Count("keywords_found", float64(len(found)))
	if err := c.AddAnalysis(link.Analysis{Type: "keywords", Vendor: "vconduit", Product: "keywords", Body: found}); err != nil {
		return link.Fail(err)
	}
	return link.Done()
}

// count says how often each word stands in the texts of the conversation.
func count(c *link.Call) (map[string]int, error) {
	said := map[string]int{}
	for _, texts := range []struct{ array, kind string }{{"dialog", "text"}, {"analysis", "transcript"}} {
		for part := range c.At(texts.array).Each() {
			if kind, _ := part.At("type").Text(); kind != texts.kind {
				continue
			}
			text, err := part.Body()
			if errors.Is(err, link.NotFound) {
				continue // it is elsewhere, behind a url
			}
			if err != nil {
				return nil, err
			}
			for _, word := range split(string(text)) {
				said[word]++
			}
		}
	}
	return said, nil
}

// split gives the words of a text, in lower case.
func split(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

func init() {
	link.Export(Run)
	link.OnStart(func(s *link.Start) error { return s.Options(new(Options)) })
}

func main() {}
