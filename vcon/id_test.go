package vcon

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"
)

func TestParseID(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		someID, "019543DA-B5AA-8D63-9DD8-DD37220D739C", "019543dab5aa8d639dd8dd37220d739c",
		"urn:uuid:" + someID, "URN:UUID:" + someID, "{" + someID + "}", "{019543dab5aa8d639dd8dd37220d739c}",
	} {
		if id, err := ParseID(s); err != nil || id.String() != someID {
			t.Errorf("%s: %s, %v", s, id, err)
		}
	}
	for _, s := range []string{
		"", "x", "SAMPLE-019543da-b5aa-8d63-9dd8-dd37220d", someID + "0", someID[1:], "019543da-b5aa-8d63-9dd8-dd37220d739g",
		"019543da_b5aa-8d63-9dd8-dd37220d739c", "{" + someID, "019543dab-5aa-8d63-9dd8-dd37220d739c", "urn:uuid:",
	} {
		if id, err := ParseID(s); !errors.Is(err, ErrID) || !id.IsZero() {
			t.Errorf("%s: %s, %v", s, id, err)
		}
	}
}

func TestIDText(t *testing.T) {
	t.Parallel()
	id := NewID("localhost")
	text, err := json.Marshal(map[ID]ID{id: id})
	if err != nil {
		t.Fatal(err)
	}
	var back map[ID]ID
	if err := json.Unmarshal(text, &back); err != nil || back[id] != id {
		t.Errorf("%s: %v, %v", text, back, err)
	}
	if err := json.Unmarshal([]byte(`"x"`), &id); err == nil || id.IsZero() {
		t.Errorf("a bad text changed the ID or was taken: %v", err)
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	for domain, tail := range map[string]string{
		"strolid.com": "9dd8-dd37220d739c", "example.com": "8caa-f24ab1a0c334",
		"py-vcon.org": "bde5-ffa3c00af16d", "localhost": "b343-89048b872a53",
	} {
		if got := NewID(domain).String(); got[19:] != tail || got[14] != '8' {
			t.Errorf("%s: %s", domain, got)
		}
	}
	at := time.UnixMilli(int64(0x0195_43da_b5aa)).Add(500 * time.Microsecond)
	if got := makeID("strolid.com", ticks(at)).String(); got != "019543da-b5aa-8800-9dd8-dd37220d739c" {
		t.Errorf("time: %s", got)
	}
}

func TestNewIDsAreDistinctAndAscend(t *testing.T) {
	t.Parallel()
	const each = 5000
	var mu sync.Mutex
	seen := map[ID]bool{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			mine := make([]ID, each)
			for n := range mine {
				mine[n] = NewID("localhost")
				if n > 0 && mine[n].String() <= mine[n-1].String() {
					t.Error("IDs do not ascend")
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for _, id := range mine {
				seen[id] = true
			}
		})
	}
	wg.Wait()
	if len(seen) != 4*each {
		t.Errorf("%d distinct IDs of %d", len(seen), 4*each)
	}
}

func TestDeriveID(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.UTC)
	seen := map[ID]bool{}
	for n := range 100 {
		id := DeriveID("example.com", at, []byte{byte(n)})
		if id != DeriveID("example.com", at, []byte{byte(n)}) {
			t.Fatal("not the same again")
		}
		if s := id.String(); s[14] != '8' || s[19:] != "8caa-f24ab1a0c334" {
			t.Fatal(s)
		}
		seen[id] = true
		ms := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
		if lag := at.Sub(time.UnixMilli(ms)); lag < 0 || lag > 17*time.Second {
			t.Errorf("%v before at", lag)
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d distinct of 100", len(seen))
	}
}
