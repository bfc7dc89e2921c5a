package people

import (
	"bytes"
	"regexp"
	"strings"

	"rmp/calendar/ical"
)

var endOfFile = regexp.MustCompile(`(?i)END:VCALENDAR`)

// mostFrame bounds what is around the events, which is read with each.
const mostFrame = 128 << 10

// block is one VEVENT of a file as text.
type block struct {
	uid, title string
	text       []byte
}

// splitEvents takes a file apart into its VEVENTs and the rest, so that one
// that cannot be read does not keep the others out.
func splitEvents(data []byte) (frame []byte, blocks []block) {
	var inside *block
	for line := range bytes.Lines(data) {
		name := strings.ToUpper(strings.TrimSpace(string(line[:min(len(line), 200)])))
		switch {
		case name == "BEGIN:VEVENT" && inside == nil:
			blocks = append(blocks, block{})
			inside = &blocks[len(blocks)-1]
			inside.text = append(inside.text, line...)
		case inside == nil:
			frame = append(frame, line...)
		default:
			inside.text = append(inside.text, line...)
			// The names are for the report and for what belongs together; the
			// parser reads them for itself.
			if rest, ok := property(line, "UID"); ok && inside.uid == "" {
				inside.uid = rest
			} else if rest, ok := property(line, "SUMMARY"); ok && inside.title == "" {
				inside.title = rest
			}
			if name == "END:VEVENT" {
				inside = nil
			}
		}
	}
	return frame, blocks
}

func property(line []byte, name string) (string, bool) {
	head, value, ok := strings.Cut(strings.TrimRight(string(line[:min(len(line), 600)]), "\r\n"), ":")
	head, _, _ = strings.Cut(head, ";")
	return strings.ToValidUTF8(strings.TrimSpace(value), "�"), ok && strings.EqualFold(head, name)
}

// readable is what of a file can be read, each event by itself, and what of it
// cannot. Events with one UID, a series and its exceptions, stay together.
func readable(data []byte) (files []*ical.Calendar, refused []Imported) {
	frame, blocks := splitEvents(data)
	if len(blocks) > MostImported || len(frame) > mostFrame {
		return nil, nil
	}
	ends := endOfFile.FindAllIndex(frame, -1)
	if len(ends) == 0 {
		return nil, nil
	}
	end := ends[len(ends)-1][0]
	var order []string
	together := map[string][]block{}
	for i, b := range blocks {
		key := b.uid
		if key == "" {
			key = "\x00" + string(rune(i)) // by itself
		}
		if together[key] == nil {
			order = append(order, key)
		}
		together[key] = append(together[key], b)
	}
	for _, key := range order {
		text := append([]byte{}, frame[:end]...)
		for _, b := range together[key] {
			text = append(text, b.text...)
		}
		text = append(text, frame[end:]...)
		list, err := ical.ParseText(text, ical.Limits{})
		if err != nil {
			b := together[key][0]
			refused = append(refused, Imported{UID: b.uid, Title: b.title, Result: "refused", Reason: err.Error()})
			continue
		}
		files = append(files, list...)
	}
	return files, refused
}
