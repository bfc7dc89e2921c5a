package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

type (
	favouritesOutput struct {
		Body struct {
			Items []string `json:"items" doc:"Addresses."`
		}
	}
	photoInput struct {
		Email       string `path:"email" maxLength:"254"`
		IfNoneMatch string `header:"If-None-Match"`
	}
	setPhotoInput struct {
		Email   string `path:"email" maxLength:"254"`
		RawBody []byte `contentType:"image/png"`
	}
)

func (a *API) registerFavourites() {
	tags := []string{"Resources"}
	const favourites, photo = "/api/v2/favourites", "/api/v2/resources/{email}/photo"
	missing := []int{http.StatusNotFound}
	operation(a, huma.Operation{OperationID: "list-favourites", Method: http.MethodGet, Path: favourites, Tags: tags, Summary: "The resources you have marked"}, a.listFavourites)
	for _, op := range []struct {
		id, method, summary string
		marked              bool
	}{{"set-favourite", http.MethodPut, "Mark a resource", true}, {"remove-favourite", http.MethodDelete, "Take a mark away", false}} {
		operation(a, huma.Operation{OperationID: op.id, Method: op.method, Path: favourites + "/{email}", Tags: tags, DefaultStatus: http.StatusNoContent, Summary: op.summary, Errors: missing},
			func(ctx context.Context, p tenant.Principal, in *resourceInput) (*struct{}, error) {
				return nil, a.mark(ctx, p, in.Email, op.marked)
			})
	}
	image := map[string]*huma.MediaType{"image/png": {}, "image/jpeg": {}}
	operation(a, huma.Operation{OperationID: "get-photo", Method: http.MethodGet, Path: photo, Tags: tags, Summary: "The photo of a resource", Errors: missing,
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: image}}}, a.getPhoto)
	operation(a, huma.Operation{OperationID: "set-photo", Method: http.MethodPut, Path: photo, Tags: tags, DefaultStatus: http.StatusNoContent, MaxBodyBytes: directory.MostPhotoBytes + 1,
		Summary: "Give a resource a photo", Description: "A PNG or JPEG image of at most 1 MB, as the body.", Errors: []int{http.StatusNotFound, http.StatusRequestEntityTooLarge}}, a.setPhoto)
	operation(a, huma.Operation{OperationID: "remove-photo", Method: http.MethodDelete, Path: photo, Tags: tags, DefaultStatus: http.StatusNoContent, Summary: "Take a resource's photo away", Errors: missing},
		func(ctx context.Context, p tenant.Principal, in *resourceInput) (*struct{}, error) {
			return nil, a.savePhoto(ctx, p, in.Email, func() (directory.Photo, error) { return directory.Photo{}, nil })
		})
}

func (a *API) listFavourites(ctx context.Context, p tenant.Principal, _ *struct{}) (*favouritesOutput, error) {
	out := &favouritesOutput{}
	var err error
	out.Body.Items, err = a.Resources(p.Tenant).Favourites(ctx, p.UserID)
	if out.Body.Items == nil {
		out.Body.Items = []string{}
	}
	return out, err
}

func (a *API) mark(ctx context.Context, p tenant.Principal, email string, marked bool) error {
	r, err := a.Resources(p.Tenant).Resource(ctx, email)
	if err != nil {
		return err
	}
	return a.Resources(p.Tenant).SetFavourite(ctx, p.UserID, r.ID, marked)
}

func (a *API) getPhoto(ctx context.Context, p tenant.Principal, in *photoInput) (*rawOutput, error) {
	r, err := a.Resources(p.Tenant).Resource(ctx, in.Email)
	if err != nil {
		return nil, err
	}
	photo, found, err := a.Resources(p.Tenant).Photo(ctx, r.ID)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "the resource has no photo")
	}
	if err != nil {
		return nil, err
	}
	out := &rawOutput{ContentType: photo.MediaType, ETag: `"` + photo.Hash + `"`, CacheControl: "private, max-age=86400", Status: http.StatusOK, Body: photo.Content}
	if in.IfNoneMatch == out.ETag {
		out.Status, out.Body = http.StatusNotModified, nil
	}
	return out, nil
}

func (a *API) setPhoto(ctx context.Context, p tenant.Principal, in *setPhotoInput) (*struct{}, error) {
	return nil, a.savePhoto(ctx, p, in.Email, func() (directory.Photo, error) { return directory.NewPhoto(in.RawBody) })
}

func (a *API) savePhoto(ctx context.Context, p tenant.Principal, email string, read func() (directory.Photo, error)) error {
	r, err := a.Resources(p.Tenant).Resource(ctx, email)
	if err != nil {
		return err
	}
	if !p.Runs(r.Email) {
		return fault.New(fault.Forbidden, "you do not manage this resource")
	}
	photo, err := read()
	if err != nil {
		return err
	}
	return a.Resources(p.Tenant).SetPhoto(ctx, r.ID, photo)
}
