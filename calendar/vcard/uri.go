package vcard

import (
	"net/url"
	"strconv"
	"strings"

	"rmp/calendar/contentline"
)

// Values that are URIs. RFC 6350 section 3.4 escapes TEXT only, so a comma or
// a semicolon of a URI is written bare; readers that take a backslash for a
// part of the address would not find it. On reading both are understood.

var uriEscaper = strings.NewReplacer(`\`, `\\`)

// escapeURI writes a URI so that contentline.Unescape gives it back.
func escapeURI(s string) string { return uriEscaper.Replace(s) }

// memberSchemes are those of members that are neither an e-mail address nor a
// telephone number; such a member is kept as a whole.
var memberSchemes = []string{"urn:", "http:", "https:", "sip:", "sips:", "xmpp:", "ldap:"}

func cutScheme(s, scheme string) (string, bool) {
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return s, false
	}
	return s[len(scheme):], true
}

// memberURI is the address of a member as a URI.
func memberURI(address string) string {
	for _, scheme := range memberSchemes {
		if _, ok := cutScheme(address, scheme); ok {
			return escapeURI(address)
		}
	}
	if strings.Contains(address, "@") {
		return "mailto:" + url.PathEscape(address)
	}
	return "tel:" + url.PathEscape(address)
}

// memberAddress is the address in the URI of a member.
func memberAddress(uri string) string {
	text, ok := cutScheme(uri, "mailto:")
	if ok {
		text, _, _ = strings.Cut(text, "?")
	} else if text, ok = cutScheme(uri, "tel:"); !ok {
		return uri
	}
	if plain, err := url.PathUnescape(text); err == nil {
		text = strings.ToValidUTF8(plain, "\ufffd")
	}
	return text
}

// position splits a position at the separator, when it is one.
func position(s, separator string) (lat, lon string, ok bool) {
	lat, lon, ok = strings.Cut(s, separator)
	for _, part := range []string{lat, lon} {
		if _, err := strconv.ParseFloat(part, 64); err != nil || strings.Trim(part, "+-.0123456789") != "" {
			return "", "", false
		}
	}
	return lat, lon, ok
}

// geoText writes a position: 3.0 has two numbers, 4.0 a URI of them (RFC 2426
// section 3.4.2, RFC 6350 section 6.5.2).
func geoText(s string, v Version) string {
	lat, lon, ok := position(s, ";")
	switch {
	case !ok:
		return contentline.Escape(s)
	case v == V4:
		return "geo:" + lat + "," + lon
	}
	return s
}

// readGeo is a position in the form of the model, which is that of 3.0.
func readGeo(s string) string {
	if rest, ok := cutScheme(s, "geo:"); ok {
		if lat, lon, ok := position(rest, ","); ok {
			return lat + ";" + lon
		}
	}
	return s
}
