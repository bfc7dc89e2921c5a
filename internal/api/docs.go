package api

import (
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// registerDocs serves the OpenAPI document and a page to read it.
func (a *API) registerDocs() {
	document := sync.OnceValues(func() ([]byte, error) { return json.Marshal(a.OpenAPI()) })
	a.mux.HandleFunc("GET /api/v2/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		document, err := document()
		if err != nil {
			a.writeProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(document) // the client may be gone
	})
	a.mux.HandleFunc("GET /api/v2/docs", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
		_ = docsPage.Execute(w, reference(a.OpenAPI())) // the client may be gone
	})
}

// What the reference page shows.
type (
	refGroup struct {
		Name       string
		Operations []refOperation
	}
	refOperation struct {
		Method, Path, ID, Summary, Description, Permission string
		Parameters                                         []refField
		Body, Answer                                       []refField
		Statuses                                           []string
	}
	refField struct {
		Name, Type, Doc string
		Required        bool
	}
)

func reference(doc *huma.OpenAPI) []refGroup {
	var groups []refGroup
	paths := make([]string, 0, len(doc.Paths))
	for p := range doc.Paths {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, path := range paths {
		item := doc.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op == nil || len(op.Tags) == 0 {
				continue
			}
			i := slices.IndexFunc(groups, func(g refGroup) bool { return g.Name == op.Tags[0] })
			if i < 0 {
				i = len(groups)
				groups = append(groups, refGroup{Name: op.Tags[0]})
			}
			groups[i].Operations = append(groups[i].Operations, refOf(doc, path, op))
		}
	}
	return groups
}

func refOf(doc *huma.OpenAPI, path string, op *huma.Operation) refOperation {
	perm, _ := op.Extensions["x-permission"].(string)
	out := refOperation{Method: op.Method, Path: path, ID: op.OperationID, Summary: op.Summary, Description: op.Description, Permission: perm}
	for _, p := range op.Parameters {
		out.Parameters = append(out.Parameters, refField{Name: p.Name + " (" + p.In + ")", Type: typeName(p.Schema), Doc: p.Description, Required: p.Required})
	}
	if op.RequestBody != nil {
		for _, m := range op.RequestBody.Content {
			out.Body = fieldsOf(doc, m.Schema)
		}
	}
	for status, r := range op.Responses {
		out.Statuses = append(out.Statuses, status)
		if strings.HasPrefix(status, "2") {
			for _, m := range r.Content {
				out.Answer = fieldsOf(doc, m.Schema)
			}
		}
	}
	slices.Sort(out.Statuses)
	return out
}

func fieldsOf(doc *huma.OpenAPI, s *huma.Schema) []refField {
	if s != nil && s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s == nil {
		return nil
	}
	names := make([]string, 0, len(s.Properties))
	for n := range s.Properties {
		names = append(names, n)
	}
	slices.Sort(names)
	var out []refField
	for _, n := range names {
		p := s.Properties[n]
		out = append(out, refField{Name: n, Type: typeName(p), Doc: p.Description, Required: slices.Contains(s.Required, n)})
	}
	return out
}

func typeName(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case s.Type == huma.TypeArray:
		return "list of " + typeName(s.Items)
	case len(s.OneOf) > 0:
		return "text or object"
	case s.Format != "":
		return s.Type + " (" + s.Format + ")"
	}
	return s.Type
}

var docsPage = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>RMP API reference</title><style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem}
h2{margin-top:2.5rem;border-bottom:1px solid color-mix(in srgb,currentColor 25%,transparent)}
details{border:1px solid color-mix(in srgb,currentColor 20%,transparent);border-radius:8px;margin:.5rem 0;padding:.5rem .9rem}
summary{cursor:pointer}code{font:600 .92em ui-monospace,monospace}.m{display:inline-block;min-width:4.2rem}
table{border-collapse:collapse;width:100%;margin:.4rem 0 1rem}td{padding:.2rem .8rem .2rem 0;vertical-align:top;border-top:1px solid color-mix(in srgb,currentColor 12%,transparent)}
.t{opacity:.75;white-space:nowrap}</style></head><body>
<h1>RMP API reference</h1>
<p>The machine-readable document is <a href="/api/v2/openapi.json">openapi.json</a> (OpenAPI 3.1). Sign in with <code>POST /api/v2/auth/login</code> and send the token as <code>Authorization: Bearer …</code>.</p>
{{range .}}<h2>{{.Name}}</h2>{{range .Operations}}<details id="{{.ID}}"><summary><code class="m">{{.Method}}</code> <code>{{.Path}}</code> — {{.Summary}}</summary>
{{with .Description}}<p>{{.}}</p>{{end}}<p>Needs: {{.Permission}}. Answers: {{range $i, $s := .Statuses}}{{if $i}}, {{end}}{{$s}}{{end}}.</p>
{{with .Parameters}}<h4>Parameters</h4><table>{{range .}}<tr><td><code>{{.Name}}</code>{{if .Required}} *{{end}}</td><td class="t">{{.Type}}</td><td>{{.Doc}}</td></tr>{{end}}</table>{{end}}
{{with .Body}}<h4>Body</h4><table>{{range .}}<tr><td><code>{{.Name}}</code>{{if .Required}} *{{end}}</td><td class="t">{{.Type}}</td><td>{{.Doc}}</td></tr>{{end}}</table>{{end}}
{{with .Answer}}<h4>Answer</h4><table>{{range .}}<tr><td><code>{{.Name}}</code></td><td class="t">{{.Type}}</td><td>{{.Doc}}</td></tr>{{end}}</table>{{end}}
</details>{{end}}{{end}}</body></html>`))
