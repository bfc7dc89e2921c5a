package cliserver

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // CRAM-MD5 is MD5, RFC 2195
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"rmp/communigate/standin/backend"
)

// auth is AUTH: a mechanism of SASL with an initial response perhaps, or
// WEBUSER with a name and a password (CommuniGate Pro Guide, PWD.html).
func (c *conn) auth(ctx context.Context, rest string) string {
	word, more, _ := strings.Cut(strings.TrimSpace(rest), " ")
	equal := func(want string) func(string) bool {
		return func(pw string) bool { return subtle.ConstantTimeCompare([]byte(pw), []byte(want)) == 1 }
	}
	switch strings.ToUpper(word) {
	case "WEBUSER":
		name, password, _ := strings.Cut(strings.TrimSpace(more), " ")
		return c.login(ctx, unquote(name), equal(unquote(password)))
	case "PLAIN":
		raw, ok := c.response(more, "")
		parts := strings.Split(raw, "\x00")
		if !ok || len(parts) != 3 {
			return c.reply(nil, backend.ErrBadLogin)
		}
		return c.login(ctx, parts[1], equal(parts[2]))
	case "LOGIN":
		name, ok := c.response(more, "Username:")
		if !ok {
			return c.reply(nil, backend.ErrBadLogin)
		}
		password, ok := c.response("", "Password:")
		if !ok {
			return c.reply(nil, backend.ErrBadLogin)
		}
		return c.login(ctx, name, equal(password))
	case "CRAM-MD5":
		raw, ok := c.response("", c.banner)
		name, digest, found := strings.Cut(raw, " ")
		if !ok || !found {
			return c.reply(nil, backend.ErrBadLogin)
		}
		return c.login(ctx, name, func(pw string) bool {
			mac := hmac.New(md5.New, []byte(pw))
			_, _ = mac.Write([]byte(c.banner))
			return hmac.Equal([]byte(strings.ToLower(digest)), []byte(hex.EncodeToString(mac.Sum(nil))))
		})
	}
	return "500 unknown authentication method"
}

// response is what the client answers to a challenge, or has sent along.
func (c *conn) response(initial, challenge string) (string, bool) {
	if initial == "" {
		if !c.send("334 " + base64.StdEncoding.EncodeToString([]byte(challenge))) {
			return "", false
		}
		line, err := c.line()
		if err != nil {
			return "", false
		}
		initial = line
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(initial))
	return string(raw), err == nil
}

// startTLS upgrades the connection. What the client sent in the clear behind
// the command is thrown away: somebody else may have put it there.
func (c *conn) startTLS(ctx context.Context) (string, bool) {
	if !c.send("200 please start TLS") {
		return "", false
	}
	t := tls.Server(c.nc, c.opts.TLS)
	if err := t.HandshakeContext(ctx); err != nil {
		return "", false
	}
	c.nc, c.secure, c.who, c.user = t, true, nil, ""
	c.r.Reset(t)
	return "", true
}
