package cli

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // APOP is MD5, RFC 1939
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"rmp/communigate/dataformat"
)

func (c *Conn) login(ctx context.Context, cfg Config) error {
	greeting, err := c.exchange(ctx, "", "greeting")
	if err != nil {
		return err
	}
	if cfg.StartTLS != nil {
		if _, err := c.exchange(ctx, "STLS", "STLS"); err != nil {
			return err
		}
		if c.r.Buffered() > 0 { // it came in the clear: anybody may have put it there
			return c.fail("STLS", &ProtocolError{"clear text behind the answer to STLS"}, false)
		}
		c.conn = tls.Client(c.conn, named(cfg.StartTLS, cfg.Addr))
		c.r.Reset(c.conn)
	}
	user, err := dataformat.AppendString(nil, cfg.User)
	if err != nil || strings.ContainsAny(cfg.Password, "\r\n\x00") {
		return errors.New("CLI login: the name or the password has a character that a line cannot carry")
	}
	var proven reply
	switch banner := apopBanner(greeting.text); {
	case cfg.Auth == "CRAM-MD5":
		proven, err = c.cram(ctx, cfg)
	case cfg.Auth == "PLAIN":
		if cfg.TLS == nil && cfg.StartTLS == nil {
			return errors.New("CLI login: PLAIN shows the password and needs TLS")
		}
		proven, err = c.exchange(ctx, "AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00"+cfg.User+"\x00"+cfg.Password)), "AUTH")
	case cfg.Auth != "":
		return fmt.Errorf("CLI login: the method %q is not known", cfg.Auth)
	case banner != "" && cfg.StartTLS == nil:
		sum := md5.Sum([]byte(banner + cfg.Password)) //nolint:gosec // APOP is MD5
		proven, err = c.exchange(ctx, "APOP "+bareName(cfg.User, user)+" "+hex.EncodeToString(sum[:]), "APOP")
	default:
		if _, err := c.exchange(ctx, "USER "+bareName(cfg.User, user), "USER"); err != nil {
			return err
		}
		proven, err = c.exchange(ctx, "PASS "+cfg.Password, "PASS")
	}
	if err != nil {
		return err
	}
	if proven.code >= 300 {
		return c.fail("login", &ProtocolError{fmt.Sprintf("the code %d where 200 was expected", proven.code)}, false)
	}
	_, err = c.exchange(ctx, "INLINE", "INLINE")
	var refused *Error
	if errors.As(err, &refused) { // then the data come on lines of their own
		c.inline, err = false, nil
	}
	return err
}

// cram signs in by SASL's CRAM-MD5 (RFC 2195).
func (c *Conn) cram(ctx context.Context, cfg Config) (reply, error) {
	r, err := c.exchange(ctx, "AUTH CRAM-MD5", "AUTH")
	if err != nil {
		return r, err
	}
	challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.text))
	if err != nil || r.code >= 400 {
		return r, c.fail("AUTH", &ProtocolError{"a challenge that is not base64"}, false)
	}
	mac := hmac.New(md5.New, []byte(cfg.Password))
	_, _ = mac.Write(challenge)
	return c.exchange(ctx, base64.StdEncoding.EncodeToString([]byte(cfg.User+" "+hex.EncodeToString(mac.Sum(nil)))), "AUTH")
}

// bareName leaves an account name unquoted, as the vendor's clients do,
// unless it has a character that needs quotes.
func bareName(name string, quoted []byte) string {
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.@", c) >= 0) {
			return string(quoted)
		}
	}
	return name
}

func apopBanner(greeting string) string {
	i := strings.IndexByte(greeting, '<')
	j := strings.LastIndexByte(greeting, '>')
	if i < 0 || j < i || !strings.Contains(greeting[i:j], "@") {
		return ""
	}
	return greeting[i : j+1]
}
