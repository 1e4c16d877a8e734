package embedded

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/vcon"
)

// indexed is what the index needs of a document: created_at in Unix seconds (0: it does not say) and its search terms.
func indexed(doc *vcon.VCon) (created int64, terms []string) {
	if at, ok := doc.CreatedAt(); ok {
		created = at.Unix()
	}
	seen := make(map[string]struct{})
	for _, t := range doc.Terms() {
		key := termKey(t.Field, t.Value)
		if _, ok := seen[key]; !ok {
			seen[key] = struct{}{}
			terms = append(terms, key)
		}
	}
	return created, terms
}

// termKey is how a term stands in the index: its field, and the value without a scheme of its own, so that "tel:+1" and
// "+1" are one key and either finds the other.
func termKey(field, value string) string {
	if n := len(field); field != "name" && len(value) > n && value[n] == ':' && strings.EqualFold(value[:n], field) {
		value = value[n+1:]
	}
	return field + ":" + value
}

// encodeTerms is the column in which a row remembers its terms, for taking them out of the index again.
func encodeTerms(terms []string) string {
	if len(terms) == 0 {
		return ""
	}
	text, _ := json.Marshal(terms) // strings always marshal
	return string(text)
}

// termsAtOnce is how many terms one statement writes; few documents have more.
const termsAtOnce = 8

func (t *tx) index(doc int64, terms []string) error {
	for some := range slices.Chunk(terms, termsAtOnce) {
		args := make([]any, 0, 2*termsAtOnce)
		for _, term := range some {
			args = append(args, term, doc)
		}
		rows := `INSERT OR IGNORE INTO party(value, doc) VALUES(?,?)` + strings.Repeat(`,(?,?)`, len(some)-1)
		if _, err := t.exec(rows, args...); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) unindex(doc int64, encoded string) error {
	if encoded == "" {
		return nil
	}
	var terms []string
	if err := json.Unmarshal([]byte(encoded), &terms); err != nil {
		return err
	}
	for _, term := range terms {
		if _, err := t.exec(`DELETE FROM party WHERE value=? AND doc=?`, term, doc); err != nil {
			return err
		}
	}
	return nil
}
