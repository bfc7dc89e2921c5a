package dataformat

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrNUL is answered for a string with a zero byte, which the format cannot
// carry.
var ErrNUL = errors.New("a string with a zero byte cannot be written")

// Append writes a value in its canonical form: one line, keys sorted.
func Append(b []byte, v Value) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return AppendString(b, v)
	case int:
		return strconv.AppendInt(append(b, '#'), int64(v), 10), nil
	case int64:
		return strconv.AppendInt(append(b, '#'), v, 10), nil
	case Timestamp:
		switch {
		case v.Past:
			return append(b, "#TPAST"...), nil
		case v.Future:
			return append(b, "#TFUTURE"...), nil
		}
		return v.Time.UTC().AppendFormat(append(b, "#T"...), timeLayout), nil
	case IP:
		b = append(b, "#I["...)
		b = v.Addr.AppendTo(b)
		b = append(b, ']')
		if v.Port != 0 {
			b = strconv.AppendUint(append(b, ':'), uint64(v.Port), 10)
		}
		return b, nil
	case Datablock:
		b = append(b, '[')
		b = base64.StdEncoding.AppendEncode(b, v)
		return append(b, ']'), nil
	case Array:
		b = append(b, '(')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = Append(b, e); err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
		}
		return append(b, ')'), nil
	case Dict:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		b = append(b, '{')
		for _, k := range keys {
			var err error
			if b, err = AppendString(b, k); err != nil {
				return nil, fmt.Errorf("key %q: %w", k, err)
			}
			b = append(b, '=')
			if b, err = Append(b, v[k]); err != nil {
				return nil, fmt.Errorf("value of %q: %w", k, err)
			}
			b = append(b, ';')
		}
		return append(b, '}'), nil
	case Null, nil:
		return append(b, "#NULL#"...), nil
	case XML:
		return append(b, v...), nil
	case Opaque:
		return append(b, v...), nil
	}
	return nil, fmt.Errorf("a %T is not a value of the format", v)
}

// Text is Append into a string.
func Text(v Value) (string, error) {
	b, err := Append(nil, v)
	return string(b), err
}

// AppendString writes a string, quoted unless it is letters and digits only.
func AppendString(b []byte, s string) ([]byte, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return nil, ErrNUL
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 || !isAlnum(byte(r)) }) {
		return append(b, s...), nil
	}
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7F:
			b = fmt.Appendf(b, `\%03d`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"'), nil
}

const timeLayout = "02-01-2006_15:04:05"

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func asInt(v Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}
