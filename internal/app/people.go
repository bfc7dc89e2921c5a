package app

import (
	"context"
	"errors"
	"time"

	"rmp/internal/api"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/groupware"
	"rmp/internal/people"
	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/tenant"
)

func newPeople(e *engine) *people.Service {
	return people.New(people.Deps{Mail: e.gw, Tenants: e.db, Now: e.now,
		Password: func(ctx context.Context, session string) (secret.Text, error) {
			s, err := e.db.Session(ctx, session)
			if errors.Is(err, gatekeeper.ErrNoSession) || s.Session.Revoked {
				return "", nil
			}
			return s.Session.CGPPassword, err
		},
		Directory: func(ctx context.Context, t tenant.ID) ([]people.Entry, error) {
			users, err := e.db.Users(ctx, t, gatekeeper.UserFilter{})
			if err != nil {
				return nil, err
			}
			resources, err := e.db.For(t).Resources(ctx, directory.Filter{})
			if err != nil {
				return nil, err
			}
			out := make([]people.Entry, 0, len(users)+len(resources))
			for _, u := range users {
				if u.Active {
					out = append(out, people.Entry{Kind: "person", Name: u.Name, Email: u.Email})
				}
			}
			for _, r := range resources {
				if r.Active {
					out = append(out, people.Entry{Kind: "resource", Name: r.Name, Email: r.Email, Detail: r.Site})
				}
			}
			return out, nil
		},
		Booked: func(ctx context.Context, t tenant.ID, account string, uids []string) (map[string]bool, error) {
			own, err := e.db.For(t).Own(ctx, uids, []string{account})
			out := make(map[string]bool, len(own))
			for x := range own {
				out[x.UID] = true
			}
			return out, err
		},
		Changed: func(t tenant.ID, account string, from, till time.Time) {
			e.availability.Changed(t, []string{account}, from, till)
		}})
}

// feeds lends a tenant's store to the API.
type feeds struct{ *store.Tenant }

func (f feeds) SaveFeed(ctx context.Context, x api.FeedLink, hash string) error {
	return f.Tenant.SaveFeed(ctx, store.Feed(x), hash)
}

func (f feeds) Feeds(ctx context.Context, userID string) ([]api.FeedLink, error) {
	list, err := f.Tenant.Feeds(ctx, userID)
	out := make([]api.FeedLink, len(list))
	for i, x := range list {
		out[i] = api.FeedLink(x)
	}
	return out, err
}

func feedOwner(db *store.DB) api.FeedOwner {
	return func(ctx context.Context, hash string, now time.Time) (api.FeedLink, gatekeeper.Entry, bool, error) {
		f, e, ok, err := db.FeedOwner(ctx, hash, now)
		return api.FeedLink(f), e, ok, err
	}
}

// provision makes resources.
type provision struct {
	db  *store.DB
	gw  *groupware.Groupware
	now func() time.Time
}

// room reports whether the tenant may have one more resource.
func (v provision) room(ctx context.Context, t tenant.Tenant, most int) error {
	if most <= 0 {
		return nil
	}
	n, err := v.db.For(t.ID).CountResources(ctx)
	if err == nil && n >= most {
		err = api.ErrTooMany
	}
	return err
}

func (v provision) Create(ctx context.Context, t tenant.Tenant, r *directory.Resource, most int) error {
	if err := v.room(ctx, t, most); err != nil {
		return err
	}
	if err := v.gw.EnsureResource(ctx, t, *r); err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			return err
		}
		return fault.Wrap(err, fault.BadGateway, "CommuniGate Pro could not make the account of the resource: %s", err.Error())
	}
	return v.db.For(t.ID).SaveResource(ctx, r)
}

func (v provision) Remove(ctx context.Context, t tenant.Tenant, r directory.Resource, account bool) error {
	if err := v.db.For(t.ID).RemoveResource(ctx, r.ID, v.now()); err != nil {
		return err
	}
	if !account {
		return nil
	}
	return v.gw.RemoveAccount(ctx, t, r.Email)
}

func (v provision) Adopt(ctx context.Context, t tenant.Tenant, dryRun bool) ([]api.Adopted, error) {
	accounts, err := v.gw.ResourceAccounts(ctx, t)
	if err != nil {
		return nil, err
	}
	known, err := v.db.For(t.ID).Resources(ctx, directory.Filter{})
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, r := range known {
		have[r.Email] = true
	}
	out := make([]api.Adopted, 0, len(accounts))
	for _, a := range accounts {
		x := api.Adopted{Email: a.Email, Name: a.Name, Type: a.Type.Name, Result: "adopted"}
		switch {
		case have[a.Email]:
			x.Result = "known"
		case !dryRun:
			r := directory.Resource{Email: a.Email, Type: a.Type.Name, Name: a.Name, TimeZone: t.TimeZone, Active: true, UpdatedAt: v.now()}
			if err := v.Create(ctx, t, &r, t.Settings.Limits.Resources); err != nil {
				x.Result, x.Reason = "failed", err.Error()
				var f *fault.Error
				if errors.As(err, &f) {
					x.Reason = f.Text
				}
			}
		}
		out = append(out, x)
	}
	return out, nil
}
