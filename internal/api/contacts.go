package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rmp/calendar/vcard"
	"rmp/internal/fault"
	"rmp/internal/people"
	"rmp/internal/tenant"
)

// ContactFolder is a folder of contacts.
type ContactFolder struct {
	Name  string `json:"name" example:"Contacts"`
	Count int64  `json:"count"`
}

// ContactFields are what a contact has. What a card holds beyond them (a
// photo, fields of other programs) stays on a change.
type ContactFields struct {
	Name       string         `json:"name" example:"Ada Byron" doc:"How it is shown."`
	Given      string         `json:"given,omitempty" example:"Ada"`
	Family     string         `json:"family,omitempty" example:"Byron"`
	Middle     string         `json:"middle,omitempty"`
	Prefix     string         `json:"prefix,omitempty" example:"Dr."`
	Suffix     string         `json:"suffix,omitempty"`
	Nickname   string         `json:"nickname,omitempty"`
	Company    string         `json:"company,omitempty"`
	Department []string       `json:"department,omitempty" maxItems:"10"`
	Title      string         `json:"title,omitempty"`
	Role       string         `json:"role,omitempty"`
	Emails     []ContactValue `json:"emails,omitempty" maxItems:"50"`
	Phones     []ContactValue `json:"phones,omitempty" maxItems:"50"`
	Addresses  []ContactPlace `json:"addresses,omitempty" maxItems:"20"`
	Birthday   string         `json:"birthday,omitempty" example:"1815-12-10"`
	URLs       []string       `json:"urls,omitempty" maxItems:"20"`
	Categories []string       `json:"categories,omitempty" maxItems:"50"`
	Note       string         `json:"note,omitempty"`
}

// ContactValue is an address or a number with what it is for.
type ContactValue struct {
	Value string   `json:"value" example:"ada@example.test"`
	Types []string `json:"types,omitempty" maxItems:"10" example:"[\"WORK\"]"`
}

// ContactPlace is a postal address.
type ContactPlace struct {
	Street   string   `json:"street,omitempty"`
	City     string   `json:"city,omitempty"`
	Region   string   `json:"region,omitempty"`
	Postcode string   `json:"postcode,omitempty"`
	Country  string   `json:"country,omitempty"`
	POBox    string   `json:"poBox,omitempty"`
	Extended string   `json:"extended,omitempty"`
	Types    []string `json:"types,omitempty" maxItems:"10"`
}

// Contact is a contact with where it is.
type Contact struct {
	ID     string `json:"id" doc:"Another after each change: the answer to it has the new one."`
	Folder string `json:"folder"`
	UID    string `json:"uid,omitempty"`
	ContactFields
}

// ContactGroup is a group of people.
type ContactGroup struct {
	ID      string        `json:"id" doc:"Another after each change. May be given as group wherever attendees are."`
	Folder  string        `json:"folder"`
	UID     string        `json:"uid,omitempty" doc:"As a member of another group it stands for this one."`
	Name    string        `json:"name"`
	Note    string        `json:"note,omitempty"`
	Members []GroupMember `json:"members"`
}

// GroupMember is one of a group.
type GroupMember struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address" doc:"A mail address, or the uid of another group." example:"ada@example.test"`
}

func contactFrom(x people.Contact) Contact {
	c := x.Card
	out := Contact{ID: x.EncodeID(), Folder: x.Folder, UID: c.UID, ContactFields: ContactFields{Name: c.DisplayName(), Given: c.Name.Given, Family: c.Name.Family, Middle: c.Name.Middle,
		Prefix: c.Name.Prefix, Suffix: c.Name.Suffix, Nickname: c.Nickname, Company: c.Company, Department: c.Units, Title: c.Title, Role: c.Role, Birthday: c.Birthday, URLs: c.URLs,
		Categories: c.Categories, Note: c.Note}}
	for _, a := range c.Emails {
		out.Emails = append(out.Emails, ContactValue(a))
	}
	for _, a := range c.Phones {
		out.Phones = append(out.Phones, ContactValue(a))
	}
	for _, l := range c.Places {
		out.Addresses = append(out.Addresses, ContactPlace{l.Street, l.Locality, l.Region, l.PostalCode, l.Country, l.POBox, l.Extended, l.Types})
	}
	return out
}

// apply sets the fields of a card.
func (f ContactFields) apply(c *vcard.Card) error {
	var bad fault.Fields
	line := func(pointer, s string) {
		checkLine(&bad, pointer, s, 1000)
	}
	for pointer, s := range map[string]string{"/name": f.Name, "/given": f.Given, "/family": f.Family, "/middle": f.Middle, "/prefix": f.Prefix, "/suffix": f.Suffix, "/nickname": f.Nickname,
		"/company": f.Company, "/title": f.Title, "/role": f.Role, "/birthday": f.Birthday} {
		line(pointer, s)
	}
	if strings.TrimSpace(f.Name+f.Given+f.Family+f.Company) == "" {
		bad.Add("/name", "is missing")
	}
	for i, s := range slices.Concat(f.Department, f.URLs, f.Categories) {
		line(fmt.Sprintf("/department, urls, categories (number %d)", i+1), s)
	}
	if len(f.Note) > 20_000 {
		bad.Add("/note", "is longer than 20,000 bytes")
	}
	values := func(name string, list []ContactValue, mail bool) (out []vcard.Address) {
		for i, v := range list {
			at := fmt.Sprintf("/%s/%d/value", name, i)
			line(at, v.Value)
			if mail && !managerAddress.MatchString(v.Value) {
				bad.Add(at, "is not a mail address")
			}
			for _, t := range v.Types {
				if !typeWord.MatchString(t) {
					bad.Add(fmt.Sprintf("/%s/%d/types", name, i), "are words such as WORK, HOME, CELL")
				}
			}
			out = append(out, vcard.Address{Value: v.Value, Types: v.Types})
		}
		return out
	}
	emails, phones := values("emails", f.Emails, true), values("phones", f.Phones, false)
	var places []vcard.Place
	for i, l := range f.Addresses {
		for _, s := range []string{l.Street, l.City, l.Region, l.Postcode, l.Country, l.POBox, l.Extended} {
			checkLine(&bad, fmt.Sprintf("/addresses/%d", i), strings.ReplaceAll(s, "\n", " "), 1000)
		}
		for _, t := range l.Types {
			if !typeWord.MatchString(t) {
				bad.Add(fmt.Sprintf("/addresses/%d/types", i), "are words such as WORK, HOME")
			}
		}
		places = append(places, vcard.Place{POBox: l.POBox, Extended: l.Extended, Street: l.Street, Locality: l.City, Region: l.Region, PostalCode: l.Postcode, Country: l.Country, Types: l.Types})
	}
	if err := bad.Err(); err != nil {
		return err
	}
	c.FullName, c.Name = f.Name, vcard.Name{Family: f.Family, Given: f.Given, Middle: f.Middle, Prefix: f.Prefix, Suffix: f.Suffix}
	if c.FullName == "" {
		c.FullName = (&vcard.Card{Name: c.Name, Company: f.Company}).DisplayName()
	}
	c.Nickname, c.Company, c.Units, c.Title, c.Role, c.Birthday, c.Note = f.Nickname, f.Company, f.Department, f.Title, f.Role, f.Birthday, f.Note
	c.Emails, c.Phones, c.Places, c.URLs, c.Categories = emails, phones, places, f.URLs, f.Categories
	return nil
}

func groupFrom(x people.Contact) ContactGroup {
	out := ContactGroup{ID: x.EncodeID(), Folder: x.Folder, UID: x.Group.UID, Name: x.Group.Name, Note: x.Group.Note, Members: []GroupMember{}}
	for _, m := range x.Group.Members {
		out.Members = append(out.Members, GroupMember(m))
	}
	return out
}

// GroupFields are what a group has.
type GroupFields struct {
	Name    string        `json:"name" example:"Project board"`
	Note    string        `json:"note,omitempty"`
	Members []GroupMember `json:"members" maxItems:"1000"`
}

func (f GroupFields) apply(g *vcard.Group) error {
	var bad fault.Fields
	if strings.TrimSpace(f.Name) == "" {
		bad.Add("/name", "is missing")
	}
	checkLine(&bad, "/name", f.Name, 200)
	checkLine(&bad, "/note", strings.ReplaceAll(f.Note, "\n", " "), 5000)
	var members []vcard.Member
	for i, m := range f.Members {
		checkLine(&bad, fmt.Sprintf("/members/%d/name", i), m.Name, 200)
		if !managerAddress.MatchString(m.Address) {
			bad.Add(fmt.Sprintf("/members/%d/address", i), "is neither a mail address nor the uid of a group")
		}
		members = append(members, vcard.Member(m))
	}
	if err := bad.Err(); err != nil {
		return err
	}
	g.Name, g.Note, g.Members = strings.TrimSpace(f.Name), f.Note, members
	return nil
}

type (
	foldersOutput struct {
		Body struct {
			Items []ContactFolder `json:"items"`
		}
	}
	folderInput struct {
		Body struct {
			Name string `json:"name" example:"Suppliers"`
		}
	}
	folderOutput struct{ Body ContactFolder }
	folderName   struct {
		Name string `path:"name" maxLength:"400"`
	}
	contactsInput struct {
		Folder string `query:"folder" maxLength:"400" doc:"Left out: all."`
		Q      string `query:"q" maxLength:"200" doc:"In name, address or company."`
		Cursor string `query:"cursor" maxLength:"100"`
		LimitInput
	}
	contactsOutput struct {
		Body struct {
			Items      []Contact `json:"items"`
			NextCursor string    `json:"nextCursor,omitempty"`
		}
	}
	groupsOutput struct {
		Body struct {
			Items      []ContactGroup `json:"items"`
			NextCursor string         `json:"nextCursor,omitempty"`
		}
	}
	contactIDInput struct {
		ID string `path:"id" maxLength:"600"`
	}
	contactOutput struct {
		Location string `header:"Location"`
		Body     Contact
	}
	groupOutput struct {
		Location string `header:"Location"`
		Body     ContactGroup
	}
	createContactInput struct {
		Body struct {
			Folder string `json:"folder,omitempty" maxLength:"400" doc:"Left out: Contacts, or the first one."`
			ContactFields
		}
	}
	changeContactInput struct {
		ID   string `path:"id" maxLength:"600"`
		Body ContactFields
	}
	createGroupInput struct {
		Body struct {
			Folder string `json:"folder,omitempty" maxLength:"400"`
			GroupFields
		}
	}
	changeGroupInput struct {
		ID   string `path:"id" maxLength:"600"`
		Body GroupFields
	}
	searchInput struct {
		Q     string `query:"q" required:"true" maxLength:"200" doc:"Beginnings of words of a name, or an address."`
		Limit int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	}
	searchOutput struct {
		Body struct {
			Items      []Found `json:"items"`
			Incomplete bool    `json:"incomplete,omitempty" doc:"Your contacts could not be read now."`
		}
	}
)

// Found is somebody or something found by name.
type Found struct {
	Kind   string `json:"kind" enum:"person,resource,contact,group"`
	Name   string `json:"name"`
	Email  string `json:"email,omitempty" doc:"Absent of a group."`
	ID     string `json:"id,omitempty" doc:"Of a contact or group."`
	Detail string `json:"detail,omitempty" doc:"Company, site or folder."`
}

func (a *API) registerContacts() {
	tags := []string{"Contacts"}
	const folders, contacts, groups = "/api/v2/contact-folders", "/api/v2/contacts", "/api/v2/contact-groups"
	refusals := []int{http.StatusNotFound, http.StatusServiceUnavailable}
	changing := append([]int{http.StatusPreconditionFailed}, refusals...)
	operation(a, huma.Operation{OperationID: "list-folders", Method: http.MethodGet, Path: folders, Tags: tags, Summary: "Your folders of contacts", Errors: refusals}, a.listFolders)
	operation(a, huma.Operation{OperationID: "create-folder", Method: http.MethodPost, Path: folders, Tags: tags, DefaultStatus: http.StatusCreated, Summary: "Make a folder of contacts", Errors: refusals}, a.createFolder)
	operation(a, huma.Operation{OperationID: "delete-folder", Method: http.MethodDelete, Path: folders + "/{name}", Tags: tags, DefaultStatus: http.StatusNoContent, Summary: "Remove a folder with its contacts", Errors: refusals}, a.deleteFolder)
	operation(a, huma.Operation{OperationID: "list-contacts", Method: http.MethodGet, Path: contacts, Tags: tags, Summary: "Your contacts", Errors: refusals}, a.listContacts)
	operation(a, huma.Operation{OperationID: "create-contact", Method: http.MethodPost, Path: contacts, Tags: tags, DefaultStatus: http.StatusCreated, Summary: "Add a contact", Errors: refusals}, a.createContact)
	operation(a, huma.Operation{OperationID: "get-contact", Method: http.MethodGet, Path: contacts + "/{id}", Tags: tags, Summary: "One contact", Errors: refusals}, a.getContact)
	operation(a, huma.Operation{OperationID: "change-contact", Method: http.MethodPut, Path: contacts + "/{id}", Tags: tags, Summary: "Change a contact",
		Description: "The contact gets another id; a change of an id that is gone is refused, because somebody else has changed the contact.", Errors: changing}, a.changeContact)
	operation(a, huma.Operation{OperationID: "delete-contact", Method: http.MethodDelete, Path: contacts + "/{id}", Tags: tags, DefaultStatus: http.StatusNoContent, Summary: "Remove a contact", Errors: refusals}, a.deleteContact(false))
	operation(a, huma.Operation{OperationID: "list-groups", Method: http.MethodGet, Path: groups, Tags: tags, Summary: "Your groups", Errors: refusals}, a.listGroups)
	operation(a, huma.Operation{OperationID: "create-group", Method: http.MethodPost, Path: groups, Tags: tags, DefaultStatus: http.StatusCreated, Summary: "Add a group", Errors: refusals}, a.createGroup)
	operation(a, huma.Operation{OperationID: "get-group", Method: http.MethodGet, Path: groups + "/{id}", Tags: tags, Summary: "One group", Errors: refusals}, a.getGroup)
	operation(a, huma.Operation{OperationID: "change-group", Method: http.MethodPut, Path: groups + "/{id}", Tags: tags, Summary: "Change a group", Errors: changing}, a.changeGroup)
	operation(a, huma.Operation{OperationID: "delete-group", Method: http.MethodDelete, Path: groups + "/{id}", Tags: tags, DefaultStatus: http.StatusNoContent, Summary: "Remove a group", Errors: refusals}, a.deleteContact(true))
	operation(a, huma.Operation{OperationID: "search-people", Method: http.MethodGet, Path: "/api/v2/people", Tags: tags, Summary: "Find people, resources, contacts and groups by the beginnings of their names",
		Description: "Your own contacts and groups first."}, a.searchPeople)
}

func (a *API) listFolders(ctx context.Context, p tenant.Principal, _ *struct{}) (*foldersOutput, error) {
	list, err := a.People.Folders(ctx, p)
	out := &foldersOutput{}
	out.Body.Items = []ContactFolder{}
	for _, f := range list {
		out.Body.Items = append(out.Body.Items, ContactFolder(f))
	}
	return out, err
}

func (a *API) createFolder(ctx context.Context, p tenant.Principal, in *folderInput) (*folderOutput, error) {
	return &folderOutput{ContactFolder{Name: in.Body.Name}}, a.People.CreateFolder(ctx, p, in.Body.Name)
}

func (a *API) deleteFolder(ctx context.Context, p tenant.Principal, in *folderName) (*struct{}, error) {
	return nil, a.People.RemoveFolder(ctx, p, in.Name)
}

// page cuts a list that is read whole; the cursor is a place in it.
func page[T any](list []T, limit int, cursor string) ([]T, string, error) {
	from := 0
	place, err := decodeCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	if place != "" {
		if _, err := fmt.Sscanf(place, "%d", &from); err != nil || from < 0 {
			return nil, "", fault.InvalidField("query.cursor", "is not a cursor of this list")
		}
	}
	list = list[min(from, len(list)):]
	if len(list) > limit {
		return list[:limit], encodeCursor(fmt.Sprint(from + limit)), nil
	}
	return list, "", nil
}

func (a *API) listContacts(ctx context.Context, p tenant.Principal, in *contactsInput) (*contactsOutput, error) {
	list, err := a.People.Contacts(ctx, p, in.Folder, in.Q, false)
	if err != nil {
		return nil, err
	}
	out := &contactsOutput{}
	if list, out.Body.NextCursor, err = page(list, in.Limit, in.Cursor); err != nil {
		return nil, err
	}
	out.Body.Items = []Contact{}
	for _, x := range list {
		out.Body.Items = append(out.Body.Items, contactFrom(x))
	}
	return out, nil
}

func (a *API) listGroups(ctx context.Context, p tenant.Principal, in *contactsInput) (*groupsOutput, error) {
	list, err := a.People.Contacts(ctx, p, in.Folder, in.Q, true)
	if err != nil {
		return nil, err
	}
	out := &groupsOutput{}
	if list, out.Body.NextCursor, err = page(list, in.Limit, in.Cursor); err != nil {
		return nil, err
	}
	out.Body.Items = []ContactGroup{}
	for _, x := range list {
		out.Body.Items = append(out.Body.Items, groupFrom(x))
	}
	return out, nil
}

func (a *API) getContact(ctx context.Context, p tenant.Principal, in *contactIDInput) (*contactOutput, error) {
	x, err := a.People.Contact(ctx, p, in.ID)
	if err == nil && x.Card == nil {
		err = fault.New(fault.NotFound, "there is no such contact; it is a group")
	}
	if err != nil {
		return nil, err
	}
	return &contactOutput{Body: contactFrom(x)}, nil
}

func (a *API) getGroup(ctx context.Context, p tenant.Principal, in *contactIDInput) (*groupOutput, error) {
	x, err := a.People.Contact(ctx, p, in.ID)
	if err == nil && x.Group == nil {
		err = fault.New(fault.NotFound, "there is no such group; it is a contact")
	}
	if err != nil {
		return nil, err
	}
	return &groupOutput{Body: groupFrom(x)}, nil
}

func contactAnswer(x people.Contact) *contactOutput {
	return &contactOutput{Location: "/api/v2/contacts/" + x.EncodeID(), Body: contactFrom(x)}
}

func (a *API) createContact(ctx context.Context, p tenant.Principal, in *createContactInput) (*contactOutput, error) {
	x, err := a.People.Save(ctx, p, in.Body.Folder, "", false, func(x *people.Contact) error { return in.Body.ContactFields.apply(x.Card) })
	if err != nil {
		return nil, err
	}
	return contactAnswer(x), nil
}

func (a *API) changeContact(ctx context.Context, p tenant.Principal, in *changeContactInput) (*contactOutput, error) {
	x, err := a.People.Save(ctx, p, "", in.ID, false, func(x *people.Contact) error { return in.Body.apply(x.Card) })
	if err != nil {
		return nil, err
	}
	return contactAnswer(x), nil
}

func groupAnswer(x people.Contact) *groupOutput {
	return &groupOutput{Location: "/api/v2/contact-groups/" + x.EncodeID(), Body: groupFrom(x)}
}

func (a *API) createGroup(ctx context.Context, p tenant.Principal, in *createGroupInput) (*groupOutput, error) {
	x, err := a.People.Save(ctx, p, in.Body.Folder, "", true, func(x *people.Contact) error { return in.Body.GroupFields.apply(x.Group) })
	if err != nil {
		return nil, err
	}
	return groupAnswer(x), nil
}

func (a *API) changeGroup(ctx context.Context, p tenant.Principal, in *changeGroupInput) (*groupOutput, error) {
	x, err := a.People.Save(ctx, p, "", in.ID, true, func(x *people.Contact) error { return in.Body.apply(x.Group) })
	if err != nil {
		return nil, err
	}
	return groupAnswer(x), nil
}

func (a *API) deleteContact(bool) func(ctx context.Context, p tenant.Principal, in *contactIDInput) (*struct{}, error) {
	return func(ctx context.Context, p tenant.Principal, in *contactIDInput) (*struct{}, error) {
		return nil, a.People.RemoveContact(ctx, p, in.ID)
	}
}

func (a *API) searchPeople(ctx context.Context, p tenant.Principal, in *searchInput) (*searchOutput, error) {
	list, incomplete, err := a.People.Search(ctx, p, in.Q, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &searchOutput{}
	out.Body.Items, out.Body.Incomplete = []Found{}, incomplete
	for _, e := range list {
		out.Body.Items = append(out.Body.Items, Found(e))
	}
	return out, nil
}
