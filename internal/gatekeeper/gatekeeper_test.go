package gatekeeper_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/tenant"
)

// cgp accepts one password for everybody, after a while.
type cgp struct {
	password secret.Text
	takes    time.Duration
	down     error
	asked    int
	ended    []string
}

func (c *cgp) CheckLogin(_ context.Context, _ tenant.Tenant, _ string, password secret.Text) error {
	c.asked++
	<-time.After(c.takes) // as a server that has to look
	switch {
	case c.down != nil:
		return c.down
	case password != c.password:
		return gatekeeper.ErrRefused
	}
	return nil
}

func (c *cgp) End(_ context.Context, handle string) { c.ended = append(c.ended, handle) }

const right = "correct horse"

type house struct {
	*gatekeeper.Gatekeeper
	db   *store.DB
	cgp  *cgp
	now  time.Time
	anna gatekeeper.User
}

func newHouse(t *testing.T) *house {
	t.Helper()
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "rmp.db"), store.Options{Sealer: sealer, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, id := range []tenant.ID{"a", "b"} {
		x := tenant.Tenant{ID: id, Domain: string(id) + ".test", Name: "A", TimeZone: "UTC", Mode: "direct", Active: true}
		if err := db.SaveTenant(t.Context(), &x); err != nil {
			t.Fatal(err)
		}
	}
	hash, err := gatekeeper.HashPassword(right)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{db: db, cgp: &cgp{password: right}, now: time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC),
		anna: gatekeeper.User{Tenant: "a", Email: "anna@a.test", Name: "Anna", Role: tenant.User, CGPDomain: "a.test", PasswordHash: hash, Active: true}}
	if err := db.SaveUser(t.Context(), &h.anna, 0); err != nil {
		t.Fatal(err)
	}
	h.Gatekeeper = gatekeeper.New(db, h.cgp, func() time.Time { return h.now })
	return h
}

func (h *house) login(t *testing.T, email, password string) (gatekeeper.Tokens, error) {
	t.Helper()
	return h.Login(t.Context(), gatekeeper.Credentials{Email: email, Password: secret.Text(password), Address: netip.MustParseAddr("192.0.2.1")})
}

// TestRefusalsAreAlike: neither the words nor the time of a refusal say which
// layer refused, and CommuniGate is asked only when the gatekeeper says yes.
func TestRefusalsAreAlike(t *testing.T) {
	h := newHouse(t)
	h.cgp.takes = 60 * time.Millisecond
	off := gatekeeper.User{Tenant: "a", Email: "off@a.test", Name: "Off", Role: tenant.User, PasswordHash: h.anna.PasswordHash}
	if err := h.db.SaveUser(t.Context(), &off, 0); err != nil {
		t.Fatal(err)
	}
	try := func(email, password string) (string, time.Duration) {
		started := time.Now()
		_, err := h.login(t, email, password)
		if fault.CodeOf(err) != fault.Unauthenticated {
			t.Fatalf("%s: %v", email, err)
		}
		took := time.Since(started)
		var f *fault.Error
		if !errors.As(err, &f) || f.Hint == "" {
			t.Errorf("%s: the operator is not told what refused: %v", email, err)
		}
		f = &fault.Error{Code: f.Code, Text: f.Text, Fields: f.Fields, RetryAfter: f.RetryAfter} // what people are told: the hint and the cause are for the log
		return f.Error(), took
	}
	type refusal struct {
		text string
		took time.Duration
	}
	var all []refusal
	add := func(text string, took time.Duration) { all = append(all, refusal{text, took}) }
	add(try("nobody@a.test", right))
	add(try("anna@a.test", "wrong"))
	add(try("off@a.test", right))
	add(try("anna@a.test", strings.Repeat("x", 5000)))
	if h.cgp.asked != 0 {
		t.Errorf("CommuniGate was asked %d times", h.cgp.asked)
	}
	h.cgp.password = "another"
	add(try("anna@a.test", right))
	if h.cgp.asked != 1 {
		t.Errorf("CommuniGate was asked %d times", h.cgp.asked)
	}
	const step = 400 * time.Millisecond
	for _, r := range all {
		if r.text != all[0].text {
			t.Errorf("%q, not %q", r.text, all[0].text)
		}
		if r.took < step {
			t.Errorf("answered after %v, before the step", r.took)
		}
	}
}

func TestLoginNeedsBothLayers(t *testing.T) {
	h := newHouse(t)
	tokens, err := h.login(t, " ANNA@a.test ", right)
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.Verify(t.Context(), tokens.Access)
	if err != nil || p.Email != "anna@a.test" || p.Tenant != "a" || p.Role != tenant.User || p.Session != tokens.Session || p.Token != "" {
		t.Fatalf("%+v %v", p, err)
	}
	u, err := h.db.User(t.Context(), h.anna.ID)
	if err != nil || !u.LastLogin.Equal(h.now) {
		t.Errorf("last sign-in %v, %v", u.LastLogin, err)
	}
	h.cgp.down = fault.New(fault.Unavailable, "away")
	for range 20 { // an outage locks nobody out
		if _, err := h.login(t, "anna@a.test", right); fault.CodeOf(err) != fault.Unavailable {
			t.Fatal(err)
		}
	}
	h.cgp.down = nil
	if _, err := h.login(t, "anna@a.test", right); err != nil {
		t.Errorf("after the outage: %v", err)
	}
	x, err := h.db.Tenant(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	x.Active = false
	if err := h.db.SaveTenant(t.Context(), &x); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Verify(t.Context(), tokens.Access); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("a token of an inactive organisation: %v", err)
	}
	if _, err := h.login(t, "anna@a.test", right); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("a login in an inactive organisation: %v", err)
	}
}

// TestGuessing: tries slow down, by account and by address, known account or
// not, and open again.
func TestGuessing(t *testing.T) {
	h := newHouse(t)
	h.Hasten()
	for _, email := range []string{"anna@a.test", "nobody@a.test"} {
		n := 0
		var err error
		for ; n < 30; n++ {
			if _, err = h.login(t, email, "wrong"); fault.CodeOf(err) == fault.TooMany {
				break
			}
		}
		var f *fault.Error
		if !errors.As(err, &f) || n != 11 || f.RetryAfter <= 0 || f.RetryAfter > time.Second {
			t.Errorf("%s: after %d tries %v", email, n, err)
		}
	}
	if _, err := h.login(t, "anna@a.test", right); fault.CodeOf(err) != fault.TooMany {
		t.Errorf("the right password while it is closed: %v", err)
	}
	h.now = h.now.Add(2 * time.Second)
	if _, err := h.login(t, "anna@a.test", right); err != nil {
		t.Errorf("the right password later: %v", err)
	}
	if _, err := h.login(t, "anna@a.test", "wrong"); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("a right one did not start anew: %v", err)
	}
}

func TestAddressesOfOneNetworkCountTogether(t *testing.T) {
	for a, b := range map[string]string{"2001:db8::1": "2001:db8::ffff:2", "192.0.2.7": "::ffff:192.0.2.7"} {
		pa, pb := gatekeeper.PlacesOf("x", netip.MustParseAddr(a)), gatekeeper.PlacesOf("y", netip.MustParseAddr(b))
		if pa[1] != pb[1] || pa[0] == pb[0] {
			t.Errorf("%s and %s: %v %v", a, b, pa, pb)
		}
	}
	if gatekeeper.PlacesOf("x", netip.MustParseAddr("192.0.2.7"))[1] == gatekeeper.PlacesOf("x", netip.MustParseAddr("192.0.2.8"))[1] {
		t.Error("two addresses count together")
	}
}

// TestBcryptIsRehashed: hashes of an import open once and are replaced.
func TestBcryptIsRehashed(t *testing.T) {
	h := newHouse(t)
	old, err := bcrypt.GenerateFromPassword([]byte(right), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"$2a$", "$2b$", "$2y$"} {
		hash := prefix + string(old[4:])
		if err := h.db.SetPasswordHash(t.Context(), h.anna.ID, hash); err != nil {
			t.Fatal(err)
		}
		if _, err := h.login(t, "anna@a.test", "wrong"); fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("%s: %v", prefix, err)
		}
		if _, err := h.login(t, "anna@a.test", right); err != nil {
			t.Fatalf("%s: %v", prefix, err)
		}
		u, err := h.db.User(t.Context(), h.anna.ID)
		if err != nil || !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("%s became %s, %v", prefix, u.PasswordHash, err)
		}
		if _, err := h.login(t, "anna@a.test", right); err != nil {
			t.Errorf("with the new hash: %v", err)
		}
	}
	for _, bad := range []string{"", "plain", "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=19456,t=0,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$", "$2a$31$" + string(old[7:])} {
		if gatekeeper.CheckHash(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestRefreshRotatesAndNoticesReuse(t *testing.T) {
	h := newHouse(t)
	first, err := h.login(t, "anna@a.test", right)
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.Refresh(t.Context(), first.Refresh)
	if err != nil || second.Session != first.Session || second.Refresh == first.Refresh {
		t.Fatalf("%+v %v", second, err)
	}
	if _, err := h.Refresh(t.Context(), first.Refresh); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("the old one again: %v", err)
	}
	if _, err := h.Refresh(t.Context(), second.Refresh); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("the new one after reuse of the old: %v", err)
	}
	if _, err := h.Verify(t.Context(), second.Access); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("access after reuse: %v", err)
	}
	if len(h.cgp.ended) != 1 || h.cgp.ended[0] != first.Session {
		t.Errorf("ended in CommuniGate: %v", h.cgp.ended)
	}
	for _, bad := range []string{"", ".", "x", first.Session + ".", first.Session + ".guess", "' OR 1=1 --.x"} {
		if _, err := h.Refresh(t.Context(), secret.Text(bad)); fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("%q: %v", bad, err)
		}
	}
	third, err := h.login(t, "anna@a.test", right)
	if err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(gatekeeper.RefreshLifetime + time.Second)
	if _, err := h.Refresh(t.Context(), third.Refresh); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("after its end: %v", err)
	}
}

func TestLogout(t *testing.T) {
	h := newHouse(t)
	x, err := h.login(t, "anna@a.test", right)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Logout(t.Context(), x.Session); err != nil {
		t.Fatal(err)
	}
	_, verr := h.Verify(t.Context(), x.Access)
	_, rerr := h.Refresh(t.Context(), x.Refresh)
	if fault.CodeOf(verr) != fault.Unauthenticated || fault.CodeOf(rerr) != fault.Unauthenticated || len(h.cgp.ended) != 1 {
		t.Errorf("%v %v %v", verr, rerr, h.cgp.ended)
	}
}

// TestKeysRotate: two keys are alive; a second gatekeeper knows a new one at
// once.
func TestKeysRotate(t *testing.T) {
	h := newHouse(t)
	other := gatekeeper.New(h.db, h.cgp, func() time.Time { return h.now })
	verify := func(g *gatekeeper.Gatekeeper, x gatekeeper.Tokens) error {
		_, err := g.Verify(t.Context(), x.Access)
		return err
	}
	login := func() gatekeeper.Tokens {
		x, err := h.login(t, "anna@a.test", right)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	first := login()
	if err := verify(other, first); err != nil {
		t.Fatal(err)
	}
	rotate := func() {
		h.now = h.now.Add(time.Minute)
		if _, err := gatekeeper.RotateKeys(t.Context(), h.db, h.now); err != nil {
			t.Fatal(err)
		}
	}
	rotate()
	second := login()
	h.now = h.now.Add(2 * time.Second)
	if err := errors.Join(verify(other, second), verify(other, first), verify(h.Gatekeeper, first)); err != nil {
		t.Errorf("after one rotation: %v", err)
	}
	rotate()
	third := login()
	h.now = h.now.Add(time.Minute)
	if err := errors.Join(verify(other, third), verify(other, second)); err != nil {
		t.Errorf("after two: %v", err)
	}
	if err := verify(other, first); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("a token of a dropped key: %v", err)
	}
}

// TestForgedTokens: everything but what this gatekeeper signed is refused.
func TestForgedTokens(t *testing.T) {
	h := newHouse(t)
	x, err := h.login(t, "anna@a.test", right)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := h.db.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(x.Access.Reveal(), ".")
	b64 := base64.RawURLEncoding
	decode := func(s string) map[string]any {
		b, err := b64.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]any{}
		if err := json.Unmarshal(b, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	encode := func(m map[string]any) string {
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b64.EncodeToString(b)
	}
	header, body := decode(parts[0]), decode(parts[1])
	for _, claim := range []string{"sub", "email", "gatekeeper_role", "cgpro_session", "cgpro_domain", "tenant", "iat", "exp", "jti"} {
		if _, ok := body[claim]; !ok {
			t.Errorf("the claim %s is missing", claim)
		}
	}
	with := func(m map[string]any, k string, v any) map[string]any {
		out := map[string]any{}
		for a, b := range m {
			out[a] = b
		}
		out[k] = v
		return out
	}
	sign := func(header, body map[string]any, key string) string {
		text := encode(header) + "." + encode(body)
		mac := hmac.New(sha256.New, []byte(key))
		_, _ = mac.Write([]byte(text))
		return text + "." + b64.EncodeToString(mac.Sum(nil))
	}
	key := keys[0].Secret.Reveal()
	if _, err := h.Verify(t.Context(), secret.Text(sign(header, body, key))); err != nil {
		t.Fatalf("the forger's tools do not work: %v", err)
	}
	for name, forged := range map[string]string{
		"no signature":          parts[0] + "." + parts[1] + ".",
		"alg none":              encode(with(header, "alg", "none")) + "." + parts[1] + ".",
		"alg None":              encode(with(header, "alg", "None")) + "." + parts[1] + "." + parts[2],
		"alg HS384":             sign(with(header, "alg", "HS384"), body, key),
		"alg RS256":             sign(with(header, "alg", "RS256"), body, key),
		"another role":          parts[0] + "." + encode(with(body, "gatekeeper_role", "super_admin")) + "." + parts[2],
		"another key":           sign(header, body, "0123456789abcdef0123456789abcdef"),
		"empty key":             sign(header, body, ""),
		"kid of nobody":         sign(with(header, "kid", "../../dev/null"), body, ""),
		"kid not a text":        sign(with(header, "kid", []int{1}), body, key),
		"without end":           sign(header, with(body, "exp", nil), key),
		"another issuer":        sign(header, with(body, "iss", "elsewhere"), key),
		"another tenant":        sign(header, with(body, "tenant", "b"), key),
		"another person":        sign(header, with(body, "sub", "somebody"), key),
		"session of nobody":     sign(header, with(body, "cgpro_session", "guess"), key),
		"key in the header":     sign(with(with(header, "jwk", map[string]any{"kty": "oct", "k": b64.EncodeToString([]byte("mine"))}), "kid", nil), body, "mine"),
		"a refresh token":       x.Refresh.Reveal(),
		"two dots":              "..",
		"not base64":            "%%%." + parts[1] + "." + parts[2],
		"a script's token":      "rmp_x_y",
		"nothing of a script's": "rmp_",
		"very long":             strings.Repeat("A", 1<<16),
	} {
		if p, err := h.Verify(t.Context(), secret.Text(forged)); fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	h.now = h.now.Add(gatekeeper.AccessLifetime + time.Second)
	if _, err := h.Verify(t.Context(), x.Access); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("after its end: %v", err)
	}
}

func TestScriptTokens(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	x, err := h.login(t, "anna@a.test", right)
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.Verify(ctx, x.Access)
	if err != nil {
		t.Fatal(err)
	}
	k, text, err := h.CreateAPIToken(ctx, p, " panel ", []tenant.Scope{tenant.BookingsRead}, h.now.Add(time.Hour))
	if err != nil || k.Name != "panel" {
		t.Fatal(k, err)
	}
	s, err := h.Verify(ctx, text)
	if err != nil || s.Token != k.ID || s.Session != "" || !s.May(tenant.BookingsRead) || s.May(tenant.BookingsWrite) || s.Email != p.Email {
		t.Fatalf("%+v %v", s, err)
	}
	if _, _, err := h.CreateAPIToken(ctx, s, "more", []tenant.Scope{tenant.AdminScope}, h.now.Add(time.Hour)); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("a token made a token: %v", err)
	}
	if _, err := h.Verify(ctx, text[:len(text)-1]+map[bool]secret.Text{true: "y", false: "x"}[strings.HasSuffix(string(text), "x")]); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("a guess: %v", err)
	}
	for name, bad := range map[string]struct {
		name   string
		scopes []tenant.Scope
		till   time.Time
	}{"name": {"", []tenant.Scope{tenant.BookingsRead}, h.now.Add(time.Hour)}, "scopes": {"x", nil, h.now.Add(time.Hour)}, "scopes/0": {"x", []tenant.Scope{"all"}, h.now.Add(time.Hour)},
		"expiresAt": {"x", []tenant.Scope{tenant.BookingsRead}, h.now}, "expiresAt ": {"x", []tenant.Scope{tenant.BookingsRead}, h.now.AddDate(2, 0, 0)}} {
		_, _, err := h.CreateAPIToken(ctx, p, bad.name, bad.scopes, bad.till)
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Pointer != "/"+strings.TrimSpace(name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.now = h.now.Add(2 * time.Hour)
	if _, err := h.Verify(ctx, text); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("after its end: %v", err)
	}
	h.now = h.now.Add(-2 * time.Hour)
	if err := h.DeleteAPIToken(ctx, tenant.Principal{UserID: "another"}, k.ID); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("deleted by another: %v", err)
	}
	if err := h.DeleteAPIToken(ctx, p, k.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Verify(ctx, text); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("after it was deleted: %v", err)
	}
}

// TestAdministration: nobody reaches above their own role, out of their own
// tenant, or cuts off their own branch.
func TestAdministration(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	admin := tenant.Principal{Tenant: "a", UserID: "me", Role: tenant.Admin}
	super := tenant.Principal{Tenant: "a", UserID: "super", Role: tenant.SuperAdmin}
	person := func(email string, role tenant.Role) gatekeeper.Person {
		return gatekeeper.Person{Email: email, Name: "X", Role: role, Active: true, Password: "long enough"}
	}
	if _, err := h.CreateUser(ctx, admin, person("boss@a.test", tenant.SuperAdmin)); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("an admin made a super admin: %v", err)
	}
	boss, err := h.CreateUser(ctx, super, person("boss@a.test", tenant.SuperAdmin))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(ctx, admin, boss.Email, 0, person("", tenant.User)); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("an admin demoted a super admin: %v", err)
	}
	if err := h.DeleteUser(ctx, admin, boss.Email); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("an admin removed a super admin: %v", err)
	}
	for field, bad := range map[string]gatekeeper.Person{
		"/email": person("x@elsewhere.test", tenant.User), "/email ": person("x\r\ny@a.test", tenant.User), "/email  ": person("no address", tenant.User), "/role": person("x@a.test", "god"),
		"/realName": {Email: "x@a.test", Name: "a\r\nCREATEDOMAIN b", Role: tenant.User}, "/domain": {Email: "x@a.test", Name: "X", Role: tenant.User, CGPDomain: "b.test"},
		"/passwordHash": {Email: "x@a.test", Name: "X", Role: tenant.User, Hash: "plain"}, "/password": {Email: "x@a.test", Name: "X", Role: tenant.User, Password: "short"},
	} {
		_, err := h.CreateUser(ctx, admin, bad)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.Invalid || len(f.Fields) == 0 || f.Fields[0].Pointer != strings.TrimSpace(field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	other := tenant.Principal{Tenant: "b", UserID: "other", Role: tenant.SuperAdmin}
	if _, err := h.UserOf(ctx, "b", "anna@a.test"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("seen from another tenant: %v", err)
	}
	if err := h.DeleteUser(ctx, other, "anna@a.test"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("removed from another tenant: %v", err)
	}
	if _, err := h.CreateUser(ctx, other, person("anna@a.test", tenant.User)); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("an address of another tenant: %v", err)
	}
	x, err := h.login(t, "anna@a.test", right)
	if err != nil {
		t.Fatal(err)
	}
	u, err := h.UserOf(ctx, "a", "anna@a.test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(ctx, admin, u.Email, u.Version+1, person("", tenant.User)); fault.CodeOf(err) != fault.Stale {
		t.Errorf("another version: %v", err)
	}
	if _, err := h.ChangeUser(ctx, admin, u.Email, u.Version, gatekeeper.Person{Name: "Anna", Role: tenant.User, Active: false}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Verify(ctx, x.Access); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("signed in after being switched off: %v", err)
	}
	me := tenant.Principal{Tenant: "a", UserID: boss.ID, Role: tenant.SuperAdmin}
	if _, err := h.ChangeUser(ctx, me, boss.Email, 0, person("", tenant.User)); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("demoted oneself: %v", err)
	}
	if err := h.DeleteUser(ctx, me, boss.Email); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("removed oneself: %v", err)
	}
}

// TestStormIsBounded: many logins at once neither hang nor pile up without
// bound.
func TestStormIsBounded(t *testing.T) {
	h := newHouse(t)
	h.Hasten()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	n := 2 * h.MostWaiting()
	errs := make(chan error, n)
	for i := range n {
		go func() {
			_, err := h.Login(ctx, gatekeeper.Credentials{Email: fmt.Sprintf("u%d@a.test", i), Password: right, Address: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})})
			errs <- err
		}()
	}
	away := 0
	for range n {
		switch err := <-errs; fault.CodeOf(err) {
		case fault.Unauthenticated:
		case fault.Unavailable:
			away++
		default:
			t.Fatal(err)
		}
	}
	if away == 0 {
		t.Error("nobody was sent away")
	}
}
