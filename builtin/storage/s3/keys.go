package s3

import (
	"strings"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// keys are the names of objects. The value is what stands in front of all of them: "" or "path/".
type keys string

func newKeys(path string) keys {
	if path == "" {
		return ""
	}
	return keys(path + "/")
}

// dayLayout is a day as it stands in keys and pointers.
const dayLayout = "2006/01/02"

// object is the key of a vCon that was made on a day; "" is no known day.
func (k keys) object(day string, id vcon.ID) string {
	if day != "" {
		day += "/"
	}
	return string(k) + day + id.String() + ".vcon"
}

// pointer is the key of the pointer to a vCon's day.
func (k keys) pointer(id vcon.ID) string { return string(k) + "lookup/" + id.String() + ".txt" }

// dayOf is the day of a document's created_at in the offset that is written there; "" when there is none.
func dayOf(doc *vcon.VCon) string {
	t, ok := doc.CreatedAt()
	if !ok {
		return ""
	}
	return t.Format(dayLayout)
}

// maxPointer is more than any pointer has.
const maxPointer = 64

// parseDay reads a pointer; "" when it holds no day.
func parseDay(text []byte) string {
	day := strings.TrimSpace(string(text))
	if _, err := time.Parse(dayLayout, day); err != nil {
		return ""
	}
	return day
}

// likelyDays are the days on which a vCon may have been made, judging by the time in its uuid: that day and the ones
// beside it, for it may have been written in any offset. None when the uuid holds no time.
func likelyDays(id vcon.ID) []string {
	if version := id[6] >> 4; version != 7 && version != 8 {
		return nil
	}
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	t := time.UnixMilli(ms).UTC()
	if t.Year() < firstYear || t.Year() > lastYear() {
		return nil
	}
	return []string{t.Format(dayLayout), t.AddDate(0, 0, -1).Format(dayLayout), t.AddDate(0, 0, 1).Format(dayLayout)}
}
