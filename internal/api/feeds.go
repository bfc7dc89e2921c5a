package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/booking"
	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// FeedLink lets a calendar program subscribe to bookings without a sign-in.
type FeedLink struct {
	ID        string
	Tenant    tenant.ID
	UserID    string
	Resource  string // address; empty: the bookings of the person
	CreatedAt time.Time
	LastUsed  time.Time
}

// Feeds keeps the links of one tenant.
type Feeds interface {
	SaveFeed(ctx context.Context, f FeedLink, hash string) error
	Feeds(ctx context.Context, userID string) ([]FeedLink, error)
	DeleteFeed(ctx context.Context, userID, id string) (bool, error)
}

// FeedOwner answers a link, by the hash of its secret, and whose it is.
type FeedOwner func(ctx context.Context, hash string, now time.Time) (FeedLink, gatekeeper.Entry, bool, error)

// FeedWriter writes bookings as an iCalendar file.
type FeedWriter func(t tenant.Tenant, name string, list []booking.Booking) []byte

// Feed is a link as the API tells of it.
type Feed struct {
	ID        string     `json:"id"`
	Resource  string     `json:"resource,omitempty" doc:"Absent: your own bookings."`
	CreatedAt time.Time  `json:"createdAt"`
	LastUsed  *time.Time `json:"lastUsed,omitempty" doc:"To the minute."`
	URL       string     `json:"url,omitempty" doc:"Shown this once: who has it reads the feed."`
}

// What a feed shows.
const (
	feedBack  = 60 * 24 * time.Hour
	feedAhead = 400 * 24 * time.Hour
	mostFeeds = 100
)

type (
	feedsOutput struct {
		Body struct {
			Items []Feed `json:"items"`
		}
	}
	createFeedInput struct {
		Body struct {
			Resource string `json:"resource,omitempty" maxLength:"254" doc:"Address of a resource; left out: your own bookings."`
		}
	}
	feedOutput struct{ Body Feed }
	feedInput  struct {
		ID string `path:"id" maxLength:"64"`
	}
	readFeedInput struct {
		Token       string `path:"token" maxLength:"200"`
		IfNoneMatch string `header:"If-None-Match"`
	}
	resourceFeedInput struct {
		Email       string `path:"email" maxLength:"254"`
		Token       string `query:"token" required:"true" maxLength:"200"`
		IfNoneMatch string `header:"If-None-Match"`
	}
)

func (a *API) registerFeeds() {
	tags := []string{"Feeds"}
	const path = "/api/v2/feeds"
	file := map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{calendarType: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	operation(a, huma.Operation{OperationID: "list-feeds", Method: http.MethodGet, Path: path, Tags: tags, Summary: "Your calendar feeds"}, a.listFeeds)
	operation(a, huma.Operation{OperationID: "create-feed", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated, Summary: "Make a calendar feed",
		Description: "A secret address that Outlook, Apple Calendar, Google Calendar and Thunderbird subscribe to. It shows what you may see, and ends when you delete it or may not enter any more. Idempotency-Key is not honoured here: an answer with a secret is not kept.",
		Errors:      []int{http.StatusNotFound}}, a.createFeed)
	operation(a, huma.Operation{OperationID: "delete-feed", Method: http.MethodDelete, Path: path + "/{id}", Tags: tags, DefaultStatus: http.StatusNoContent, Summary: "End a calendar feed",
		Errors: []int{http.StatusNotFound}}, a.deleteFeed)
	operation(a, huma.Operation{OperationID: "read-feed", Method: http.MethodGet, Path: path + "/{token}/calendar.ics", Tags: tags, Summary: "A calendar feed", Errors: []int{http.StatusNotFound}, Responses: file},
		func(ctx context.Context, _ tenant.Principal, in *readFeedInput) (*rawOutput, error) {
			return a.readFeed(ctx, in.Token, "", in.IfNoneMatch)
		})
	operation(a, huma.Operation{OperationID: "read-resource-feed", Method: http.MethodGet, Path: "/api/v2/resources/{email}/feed.ics", Tags: tags, Summary: "The calendar feed of a resource", Errors: []int{http.StatusNotFound}, Responses: file},
		func(ctx context.Context, _ tenant.Principal, in *resourceFeedInput) (*rawOutput, error) {
			return a.readFeed(ctx, in.Token, strings.ToLower(in.Email), in.IfNoneMatch)
		})
}

func feedOf(f FeedLink) Feed {
	out := Feed{ID: f.ID, Resource: f.Resource, CreatedAt: f.CreatedAt.UTC()}
	if !f.LastUsed.IsZero() {
		at := f.LastUsed.UTC()
		out.LastUsed = &at
	}
	return out
}

func (a *API) listFeeds(ctx context.Context, p tenant.Principal, _ *struct{}) (*feedsOutput, error) {
	list, err := a.Feeds(p.Tenant).Feeds(ctx, p.UserID)
	out := &feedsOutput{}
	out.Body.Items = []Feed{}
	for _, f := range list {
		out.Body.Items = append(out.Body.Items, feedOf(f))
	}
	return out, err
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (a *API) createFeed(ctx context.Context, p tenant.Principal, in *createFeedInput) (*feedOutput, error) {
	f := FeedLink{Tenant: p.Tenant, UserID: p.UserID, CreatedAt: a.Now()}
	if in.Body.Resource != "" {
		r, err := a.Resources(p.Tenant).Resource(ctx, in.Body.Resource)
		if err != nil {
			return nil, err
		}
		f.Resource = r.Email
	}
	store := a.Feeds(p.Tenant)
	have, err := store.Feeds(ctx, p.UserID)
	if err != nil {
		return nil, err
	}
	if len(have) >= mostFeeds {
		return nil, fault.New(fault.Invalid, "you have %d feeds; delete one first", len(have))
	}
	token := secret.Random().Reveal()
	f.ID = hashOf(token)[:24]
	if err := store.SaveFeed(ctx, f, hashOf(token)); err != nil {
		return nil, err
	}
	note(ctx, "feed", f.ID, "resource", f.Resource)
	out := &feedOutput{feedOf(f)}
	out.Body.URL = "/api/v2/feeds/" + token + "/calendar.ics"
	if f.Resource != "" {
		out.Body.URL = "/api/v2/resources/" + f.Resource + "/feed.ics?token=" + token
	}
	return out, nil
}

func (a *API) deleteFeed(ctx context.Context, p tenant.Principal, in *feedInput) (*struct{}, error) {
	found, err := a.Feeds(p.Tenant).DeleteFeed(ctx, p.UserID, in.ID)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "there is no such feed")
	}
	return nil, err
}

func (a *API) readFeed(ctx context.Context, token, resource, ifNoneMatch string) (*rawOutput, error) {
	now := a.Now()
	f, e, ok, err := a.FeedOwner(ctx, hashOf(token), now)
	if err != nil {
		return nil, err
	}
	if !ok || f.Resource != resource || !e.User.Active || !e.TenantActive {
		return nil, fault.New(fault.NotFound, "there is no such feed; it may have been ended")
	}
	t, err := a.Tenants.Tenant(ctx, f.Tenant)
	if err != nil {
		return nil, err
	}
	u := e.User
	p := tenant.Principal{Tenant: f.Tenant, UserID: u.ID, Email: u.Email, Role: u.Role, Manages: e.Manages}
	filter := booking.Filter{From: now.Add(-feedBack), Till: now.Add(feedAhead), Resource: f.Resource, Status: booking.Confirmed}
	name := t.Name + ": " + u.Name
	if f.Resource == "" {
		filter.Person = strings.ToLower(u.Email)
	} else {
		r, err := a.Resources(f.Tenant).Resource(ctx, f.Resource)
		if err != nil {
			return nil, err
		}
		name = r.Name
	}
	list, err := a.Bookings.List(ctx, p, filter)
	if err != nil {
		return nil, err
	}
	text := a.Feed(t, name, list)
	tag := `"` + hashOf(string(text))[:32] + `"`
	out := &rawOutput{ContentType: calendarType, ETag: tag, CacheControl: "private, max-age=300", Status: http.StatusOK, Body: text}
	if ifNoneMatch == tag {
		out.Status, out.Body = http.StatusNotModified, nil
	}
	return out, nil
}
