package ximss

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // CRAM-MD5 is MD5, RFC 2195
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rmp/calendar/zone"
	"rmp/xmlnode"
)

// Login signs in, and finds out the zone of times without one.
func Login(ctx context.Context, client *http.Client, cfg Config) (*Session, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MaxReply == 0 {
		cfg.MaxReply = defaultMaxReply
	}
	if cfg.HostZone == nil {
		cfg.HostZone = time.UTC
	}
	s := &Session{cfg: cfg, client: client, zone: cfg.HostZone}
	id, account, err := s.enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("XIMSS login: %w", err)
	}
	s.base = cfg.URL + "/Session/" + url.PathEscape(id) + "/"
	s.account = account
	if s.zone, err = accountZone(ctx, s, cfg); err != nil {
		s.kill = true
		s.Kill(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("XIMSS login: %w", err)
	}
	return s, nil
}

// enter signs in, and answers the session and the account's address.
func (s *Session) enter(ctx context.Context) (id, account string, err error) {
	ctx, end := s.cfg.beginLogin(ctx)
	defer func() { end(nil, err) }()
	body, err := s.signIn(ctx)
	if err != nil {
		return "", "", err
	}
	return sessionOf(body)
}

const formType = "application/x-www-form-urlencoded"

func (s *Session) signIn(ctx context.Context) ([]byte, error) {
	to := s.cfg.URL + "/XIMSSLogin/?errorAsXML=1"
	form := url.Values{"errorAsXML": {"1"}, "userName": {s.cfg.User}, "DisableIPWatch": {"1"}}
	method := s.cfg.Login
	if method == LoginForm && s.cfg.Dialect.Login == "query" {
		method = LoginQuery
	}
	switch method {
	case LoginQuery:
		form.Set("password", s.cfg.Password)
		return s.get(ctx, s.cfg.URL+"/XIMSSLogin/?"+form.Encode(), false)
	case LoginBasic:
		return s.get(ctx, to+"&DisableIPWatch=1", true)
	case LoginCRAM:
		features, err := s.post(ctx, to, "text/xml; charset=utf-8", []byte(`<XIMSS><listFeatures id="list"/></XIMSS>`))
		if err != nil {
			return nil, err
		}
		root, err := xmlnode.Parse(features, xmlnode.Limits{Nodes: 10_000})
		if err != nil || root.Find("nonce") == nil {
			return nil, fmt.Errorf("%w: the server offers no nonce for CRAM-MD5", ErrProtocol)
		}
		nonce := strings.TrimSpace(root.Find("nonce").Text)
		mac := hmac.New(md5.New, []byte(s.cfg.Password))
		_, _ = mac.Write([]byte(nonce))
		form.Set("nonce", nonce)
		form.Set("authData", base64.StdEncoding.EncodeToString([]byte(s.cfg.User+" "+hex.EncodeToString(mac.Sum(nil)))))
		return s.post(ctx, to, formType, []byte(form.Encode()))
	}
	form.Set("password", s.cfg.Password)
	return s.post(ctx, to, formType, []byte(form.Encode()))
}

func (s *Session) get(ctx context.Context, to string, basic bool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: the address of the server is not valid", ErrUnreachable)
	}
	if basic {
		req.SetBasicAuth(s.cfg.User, s.cfg.Password)
	}
	return s.roundTrip(ctx, req)
}

// sessionOf reads the answer to a login: XML, or the JSON that a wrapper of
// the server might send.
func sessionOf(body []byte) (id, account string, err error) {
	if text := strings.TrimSpace(string(body)); strings.HasPrefix(text, "{") {
		var j struct{ SessionID, UserName, ErrorText string }
		if err := json.Unmarshal([]byte(text), &j); err != nil || j.SessionID == "" {
			if j.ErrorText != "" {
				return "", "", &Error{Text: j.ErrorText}
			}
			return "", "", fmt.Errorf("%w: no session in the reply", ErrProtocol)
		}
		return j.SessionID, j.UserName, nil
	}
	root, err := xmlnode.Parse(body, xmlnode.Limits{})
	if err != nil || !root.Is("XIMSS") || len(root.Children) == 0 {
		return "", "", fmt.Errorf("%w: not an XIMSS document", ErrProtocol)
	}
	first := root.Children[0]
	switch {
	case first.Is("response"):
		return "", "", refusal(first)
	case !first.Is("session") || first.Attr("urlID") == "":
		return "", "", fmt.Errorf("%w: no session in the reply", ErrProtocol)
	}
	return first.Attr("urlID"), first.Attr("userName"), nil
}

// Doer is a session of either binding.
type Doer interface {
	Do(ctx context.Context, requests ...*Request) ([]*Reply, error)
}

// accountZone asks for the account's time zone: times that the server writes
// without one are in it.
func accountZone(ctx context.Context, s Doer, cfg Config) (*time.Location, error) {
	replies, err := s.Do(ctx, ReadPrefs("TimeZone"))
	if err != nil {
		return cfg.HostZone, err
	}
	prefs, err := replies[0].Prefs()
	name := prefs["TimeZone"]
	if err != nil || name == "" || strings.EqualFold(name, "HostOS") {
		return cfg.HostZone, nil //nolint:nilerr // a server without preferences: its own zone
	}
	loc, err := zone.Resolver{Host: cfg.HostZone}.Load(name)
	if err != nil {
		return cfg.HostZone, fmt.Errorf("%w: the account's time zone: %w", ErrProtocol, err)
	}
	return loc, nil
}
