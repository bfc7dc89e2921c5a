package telemetry

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// expression is one of the dashboard or the rules.
type expression struct{ where, text string }

func dashboard(t *testing.T) (out []expression) {
	t.Helper()
	b, err := os.ReadFile("../../deploy/grafana/rmp.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		UID, Title string
		Templating struct {
			List []struct{ Name, Query string }
		}
		Panels []struct {
			ID                int
			Type, Title       string
			GridPos           struct{ X, Y, W, H int }
			Targets           []struct{ RefID, Expr, LegendFormat string }
			Datasource, Other any
		}
		Annotations struct{ List []struct{ Name, Expr string } }
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if d.UID == "" || d.Title == "" || len(d.Panels) < 20 {
		t.Errorf("the dashboard has no name or only %d panels", len(d.Panels))
	}
	ids := map[int]bool{}
	for i, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("the id %d is given twice", p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, o := range d.Panels[:i] {
			a, b := p.GridPos, o.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s lies over %s", p.Title, o.Title)
			}
		}
		for _, x := range p.Targets {
			out = append(out, expression{"panel " + p.Title, x.Expr})
		}
	}
	for _, v := range d.Templating.List {
		if inner, ok := strings.CutPrefix(v.Query, "label_values("); ok {
			out = append(out, expression{"variable " + v.Name, strings.TrimSuffix(inner, ", instance)")})
		}
	}
	for _, a := range d.Annotations.List {
		out = append(out, expression{"annotation " + a.Name, a.Expr})
	}
	return out
}

func rules(t *testing.T) (out []expression) {
	t.Helper()
	b, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] || !strings.HasPrefix(r.Alert, "RMP") {
				t.Errorf("the rule %q is there twice, or has no name of ours", r.Alert)
			}
			seen[r.Alert] = true
			if s := r.Labels["severity"]; s != "critical" && s != "warning" && s != "info" {
				t.Errorf("%s has the severity %q", r.Alert, s)
			}
			if len(r.Annotations["summary"]) < 10 || len(r.Annotations["runbook"]) < 40 {
				t.Errorf("%s does not say what is wrong, or what to do", r.Alert)
			}
			out = append(out, expression{"rule " + r.Alert, r.Expr})
		}
	}
	return out
}

var (
	strung    = regexp.MustCompile(`"(\\.|[^"\\])*"`)
	selected  = regexp.MustCompile(`\b(rmp_\w+|process_\w+|go_\w+)(\{[^}]*\})?`)
	matched   = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)`)
	grouped   = regexp.MustCompile(`\bby \(([^)]*)\)`)
	fromOther = []string{"process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total", "go_goroutines", "go_memstats_heap_inuse_bytes"}
)

// What the dashboard and the rules ask for is there: each metric and label,
// or a panel would stay empty and an alarm silent for ever.
func TestDashboardAndRulesAskForWhatThereIs(t *testing.T) {
	parts := map[string][]string{counter: {""}, gauge: {""}, histogram: {"_bucket", "_count", "_sum"}}
	labels := map[string][]string{}
	for _, m := range Catalogue {
		for _, suffix := range parts[m.Kind] {
			labels[m.Name+suffix] = append(slices.Clone(m.Labels), "instance", "job")
			if suffix == "_bucket" {
				labels[m.Name+suffix] = append(labels[m.Name+suffix], "le")
			}
		}
	}
	for _, name := range fromOther {
		labels[name] = []string{"instance", "job"}
	}
	// Those of the process come from the client library: look whether they do.
	text := scrape(t, NewMetrics("test"))
	for _, name := range fromOther {
		if !strings.Contains(text, "\n"+name+" ") {
			t.Errorf("there is no %s", name)
		}
	}

	asked := map[string]bool{}
	for _, e := range append(dashboard(t), rules(t)...) {
		found := selected.FindAllStringSubmatch(strung.ReplaceAllString(e.text, `""`), -1)
		if len(found) == 0 {
			t.Errorf("%s asks for nothing: %s", e.where, e.text)
		}
		some := map[string]bool{}
		for _, m := range found {
			has, ok := labels[m[1]]
			if !ok {
				t.Errorf("%s: there is no metric %s", e.where, m[1])
				continue
			}
			asked[m[1]] = true
			for _, l := range has {
				some[l] = true
			}
			for _, l := range matched.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(has, l[1]) {
					t.Errorf("%s: %s has no label %s", e.where, m[1], l[1])
				}
			}
		}
		for _, g := range grouped.FindAllStringSubmatch(e.text, -1) {
			for l := range strings.SplitSeq(g[1], ",") {
				if l = strings.TrimSpace(l); !some[l] {
					t.Errorf("%s: nothing there has the label %s", e.where, l)
				}
			}
		}
	}
	if len(asked) < 30 {
		t.Errorf("only %v are asked for: this test reads expressions wrongly", slices.Sorted(maps.Keys(asked)))
	}
}
