package api

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

func TestSearchText(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: open(t)})
	for n, subject := range []string{"Lost parcel", "lost order", "refund of an order"} {
		text := `{"uuid":"` + id(n) + `","created_at":"2026-05-0` + strconv.Itoa(n+1) + `T10:00:00Z","subject":"` + subject + `","parties":[{"name":"Ann"}]}`
		want(t, client, "POST", "/vcon", text, 201, text)
	}
	for query, ids := range map[string]string{
		"q=lost":                                   list(1, 0),
		"q=order":                                  list(2, 1),
		"q=lost+-parcel":                           list(1),
		"q=%22an+order%22":                         list(2),
		"q=ord*&limit=1":                           list(2),
		"q=ord*&limit=1&page=2":                    list(1),
		"q=ord*&limit=1&page=3":                    list(),
		"q=lost&name=Ann":                          list(1, 0),
		"q=lost&name=Bob":                          list(),
		"q=lost&name=":                             list(1, 0),
		"name=Ann&limit=2":                         list(2, 1),
		"name=Ann&page=2":                          list(),
		"q=lost&since=2026-05-02":                  list(1),
		"name=Ann&until=2026-05-01T10:00:00.5Z":    list(0),
		"q=NEAR(%22lost%22)+AND":                   list(),
		"q=&since=2026-05-02":                      list(),
		"q=lost%22&until=2026-05-01T10%3A00%3A00Z": list(0),
	} {
		want(t, client, "GET", "/vcons/search?"+query, "", 200, ids)
	}
	for query, loc := range map[string]string{
		"q=-lost": `"q"`, "q=" + strings.Repeat("x", 1100): `"q"`, "q=lost&limit=0": `"limit"`, "q=lost&limit=10001": `"limit"`,
		"q=lost&page=0": `"page"`, "q=lost&since=x": `"since"`, "name=Ann&limit=x": `"limit"`,
	} {
		if got := ask(t, client, "GET", "/vcons/search?"+query, ""); got.status != 422 || !strings.Contains(got.body, `["query",`+loc+`]`) {
			t.Errorf("%.40s: %d %s, want 422 about %s", query, got.status, got.body, loc)
		}
	}
	want(t, client, "GET", "/vcons/search?since=2026-05-02", "", 400, `{"detail":"At least one search parameter must be provided"}`)
}

// behind is a store whose text index lacks something.
type behind struct{ queue.Queue }

func (b behind) Search(ctx context.Context, t queue.Terms) ([]vcon.ID, error) {
	ids, err := b.Queue.Search(ctx, t)
	return ids, errors.Join(err, queue.ErrBehind)
}

// What the index lacks does not keep back what it has, and is told.
func TestSearchBehind(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: behind{open(t)}})
	text := `{"uuid":"` + id(1) + `","subject":"lost"}`
	want(t, client, "POST", "/vcon", text, 201, text)
	got := ask(t, client, "GET", "/vcons/search?q=lost", "")
	if got.status != 200 || got.body != list(1) || !strings.Contains(got.header.Get("X-Vcon-Warning"), "not indexed yet") {
		t.Errorf("%d %s, warning %q", got.status, got.body, got.header.Get("X-Vcon-Warning"))
	}
}
