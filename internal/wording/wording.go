// Package wording says the program's texts in the language of who reads them.
//
// The domain speaks English: its errors, refusals and reasons are texts, made
// of a format and values. At the edge a text is recognised by its format, and
// said with the same values in the other language. What is not known stays as
// it is; a test of internal/guard holds that every format is known.
package wording

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// Languages are those that texts can be said in, the standard first.
var Languages = []string{"en", "de"}

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

// Best answers which of the languages a header Accept-Language wants most.
func Best(header string) string {
	tags, _, _ := language.ParseAcceptLanguage(header) // none: the standard
	_, i, _ := matcher.Match(tags...)
	return Languages[i]
}

// In says an English text in a language.
func In(lang, text string) string {
	if lang != "de" || text == "" {
		return text
	}
	return german()(text)
}

// Known reports whether there is a text for a format, for tests.
func Known(format string) bool {
	for _, m := range germanTexts {
		if _, ok := m[format]; ok {
			return true
		}
	}
	return false
}

var verb = regexp.MustCompile(`%(?:\[\d+\])?[dsqv]|%%`)

// pattern recognises the texts of one format.
type pattern struct {
	*regexp.Regexp
	literal int // characters that are the format's own
	into    string
}

// german is made when it is first needed.
var german = sync.OnceValue(func() func(string) string {
	exact := map[string]string{}
	var patterns []pattern
	for _, m := range germanTexts {
		for _, format := range slices.Sorted(maps.Keys(m)) {
			into := m[format]
			if !verb.MatchString(format) {
				exact[format] = into
				continue
			}
			patterns = append(patterns, compile(format, into))
		}
	}
	// The most particular first: "%s is busy" must not take what another says.
	slices.SortStableFunc(patterns, func(a, b pattern) int { return cmp.Compare(b.literal, a.literal) })
	return func(text string) string {
		if into, ok := exact[text]; ok {
			return into
		}
		for _, p := range patterns {
			if values := p.FindStringSubmatch(text); values != nil {
				said := make([]any, len(values)-1)
				for i, v := range values[1:] {
					said[i] = term(v)
				}
				return fmt.Sprintf(p.into, said...)
			}
		}
		return text
	}
})

func compile(format, into string) pattern {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	literal, at := 0, 0
	for _, v := range verb.FindAllStringIndex(format, -1) {
		b.WriteString(regexp.QuoteMeta(format[at:v[0]]))
		literal += v[0] - at
		switch format[v[1]-1] {
		case 'd':
			b.WriteString(`(-?\d+)`)
		case 'q':
			b.WriteString(`("(?:[^"\\]|\\.)*")`)
		case '%':
			b.WriteString(`%`)
		default:
			b.WriteString(`(.+?)`)
		}
		at = v[1]
	}
	b.WriteString(regexp.QuoteMeta(format[at:]) + `$`)
	return pattern{regexp.MustCompile(b.String()), literal + len(format) - at, into}
}

var (
	counted = regexp.MustCompile(`^(\d+) (minutes|hours|days|bookings)$`)
	units   = map[string][2]string{"minutes": {"Minute", "Minuten"}, "hours": {"Stunde", "Stunden"}, "days": {"Tag", "Tage"}, "bookings": {"Buchung", "Buchungen"}}
)

// term says a value that is a word itself: a length, a period, a role.
func term(v string) string {
	if m := counted.FindStringSubmatch(v); m != nil {
		n := 1
		if m[1] == "1" {
			n = 0
		}
		return m[1] + " " + units[m[2]][n]
	}
	if a, b, ok := strings.Cut(v, " or "); ok && counted.MatchString(a) {
		return term(a) + " oder " + term(b)
	}
	if kind, ok := strings.CutPrefix(v, "all of the type "); ok {
		return "allem der Art " + term(kind)
	}
	if t, ok := germanTerms[v]; ok {
		return t
	}
	return v
}
