package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Doctor looks for what breaks booking, and repairs it.
type Doctor interface {
	Report(ctx context.Context, t tenant.Tenant, checks []string) (DoctorReport, error)
	Fix(ctx context.Context, t tenant.Tenant, checks []string) (DoctorRun, error)
	Undo(ctx context.Context, t tenant.Tenant, run string) (DoctorRun, error)
	// Domains answers the tenant's domains on the server.
	Domains(ctx context.Context, t tenant.Tenant) ([]Domain, error)
	// DomainSettings are the effective settings of a domain, as text by name.
	DomainSettings(ctx context.Context, t tenant.Tenant, domain string) (map[string]string, error)
}

// DoctorReport is what was found.
type DoctorReport struct {
	At       time.Time       `json:"at"`
	Passed   int             `json:"passed"`
	Warnings int             `json:"warnings"`
	Failed   int             `json:"failed"`
	Findings []DoctorFinding `json:"findings" doc:"Those that did not pass first."`
}

// DoctorFinding is the outcome of one check of one subject.
type DoctorFinding struct {
	Check    string           `json:"check" example:"resource.calendar"`
	Subject  string           `json:"subject" doc:"The account, domain or server it is about." example:"berlin@confroom.resources.example.test"`
	Status   string           `json:"status" enum:"pass,warn,fail"`
	Title    string           `json:"title"`
	Cause    string           `json:"cause,omitempty"`
	Cure     string           `json:"cure,omitempty"`
	Evidence []DoctorEvidence `json:"evidence,omitempty"`
	Steps    []string         `json:"steps,omitempty" doc:"What a repair would do; absent: it cannot be repaired from here."`
}

// DoctorEvidence is what was asked, and what was answered.
type DoctorEvidence struct {
	Command string `json:"command"`
	Answer  string `json:"answer"`
}

// DoctorRun is what a repair did, or what was taken back.
type DoctorRun struct {
	Run   string       `json:"run" doc:"Names it, to take it back."`
	Steps []DoctorStep `json:"steps"`
}

// DoctorStep is one change.
type DoctorStep struct {
	Number  int    `json:"number"`
	Check   string `json:"check"`
	Subject string `json:"subject"`
	Step    string `json:"step" doc:"In words."`
	CanUndo bool   `json:"canUndo"`
	Undone  bool   `json:"undone,omitempty"`
	Error   string `json:"error,omitempty" doc:"Why it failed; nothing after it was done."`
}

// Domain is one of the tenant's domains.
type Domain struct {
	Domain   string   `json:"domain" example:"confroom.resources.example.test"`
	Type     string   `json:"type,omitempty" doc:"The type of resources in it; absent: the main domain."`
	There    bool     `json:"there" doc:"Whether the server has it."`
	Accounts int      `json:"accounts"`
	Services []string `json:"services" doc:"Access modes that are switched on."`
}

type (
	doctorInput struct {
		Check []string `query:"check,explode" maxItems:"50" doc:"Only these checks, or those whose names begin so; repeatable." example:"resource"`
	}
	doctorOutput struct{ Body DoctorReport }
	fixInput     struct {
		Body struct {
			Checks []string `json:"checks,omitempty" maxItems:"50" doc:"Only what these checks found; left out: everything."`
		}
	}
	undoInput struct {
		Body struct {
			Run string `json:"run" maxLength:"64"`
		}
	}
	runOutput     struct{ Body DoctorRun }
	domainsOutput struct {
		Body struct {
			Items []Domain `json:"items"`
		}
	}
	domainInput struct {
		Domain string `path:"domain" maxLength:"253"`
	}
	domainSettingsOutput struct {
		Body struct {
			Domain   string            `json:"domain"`
			Settings map[string]string `json:"settings" doc:"Effective settings, in the textual format of CommuniGate Pro."`
		}
	}
)

func (a *API) registerDoctor() {
	tags := []string{"Administration"}
	gateway := []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	operation(a, huma.Operation{OperationID: "doctor", Method: http.MethodGet, Path: "/api/v2/admin/doctor", Tags: tags, Summary: "Look for what breaks booking", Errors: gateway,
		Description: "Asks CommuniGate Pro and the database, and changes nothing. Each check says its cause, the evidence and the cure."}, a.doctor)
	operation(a, huma.Operation{OperationID: "doctor-fix", Method: http.MethodPost, Path: "/api/v2/admin/doctor/fix", Tags: tags, Summary: "Repair it", Errors: gateway,
		Description: "Looks again and repairs step by step; it stops at the first step that fails, which then has an error. Each step is stored, and can be taken back."}, a.doctorFix)
	operation(a, huma.Operation{OperationID: "doctor-undo", Method: http.MethodPost, Path: "/api/v2/admin/doctor/undo", Tags: tags, Summary: "Take a repair back", Errors: append([]int{http.StatusNotFound}, gateway...)}, a.doctorUndo)
	operation(a, huma.Operation{OperationID: "list-domains", Method: http.MethodGet, Path: "/api/v2/admin/domains", Tags: tags, Summary: "The organisation's domains on CommuniGate Pro", Errors: gateway}, a.domains)
	operation(a, huma.Operation{OperationID: "domain-settings", Method: http.MethodGet, Path: "/api/v2/admin/domains/{domain}/settings", Tags: tags, Summary: "Effective settings of a domain", Errors: append([]int{http.StatusNotFound}, gateway...)}, a.domainSettings)
}

func (a *API) doctor(ctx context.Context, p tenant.Principal, in *doctorInput) (*doctorOutput, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	r, err := a.Doctor.Report(ctx, t, in.Check)
	return &doctorOutput{r}, err
}

func (a *API) doctorFix(ctx context.Context, p tenant.Principal, in *fixInput) (*runOutput, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	r, err := a.Doctor.Fix(ctx, t, in.Body.Checks)
	if err == nil {
		note(ctx, "run", r.Run)
	}
	return &runOutput{r}, err
}

func (a *API) doctorUndo(ctx context.Context, p tenant.Principal, in *undoInput) (*runOutput, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	note(ctx, "run", in.Body.Run)
	r, err := a.Doctor.Undo(ctx, t, in.Body.Run)
	return &runOutput{r}, err
}

func (a *API) domains(ctx context.Context, p tenant.Principal, _ *struct{}) (*domainsOutput, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	out := &domainsOutput{}
	out.Body.Items, err = a.Doctor.Domains(ctx, t)
	return out, err
}

func (a *API) domainSettings(ctx context.Context, p tenant.Principal, in *domainInput) (*domainSettingsOutput, error) {
	t, err := a.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(in.Domain)
	if _, own := directory.TypeOf(t, "x@"+name); !own && name != t.Domain {
		return nil, fault.New(fault.NotFound, "the organisation has no domain %q", clip(in.Domain))
	}
	out := &domainSettingsOutput{}
	out.Body.Domain = name
	out.Body.Settings, err = a.Doctor.DomainSettings(ctx, t, name)
	return out, err
}
