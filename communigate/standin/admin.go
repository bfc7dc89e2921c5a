package standin

import (
	"crypto/subtle"
	"embed"
	"html/template"
	"net/http"
	"strconv"

	"rmp/communigate/standin/backend"
	"rmp/communigate/standin/fault"
)

// The admin page, at /admin/ of the HTTP port, shows what is in the stand-in,
// its last traffic, and the faults that are planned. It asks for an account
// with the right Master.

//go:embed admin.html
var adminFiles embed.FS

var adminPage = template.Must(template.ParseFS(adminFiles, "admin.html"))

func (s *Server) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /admin/{$}", s.showAdmin)
	mux.HandleFunc("POST /admin/faults", func(w http.ResponseWriter, r *http.Request) {
		f, err := fault.Parse(r.FormValue("fault"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.cfg.Faults.Add(f)
		http.Redirect(w, r, "/admin/", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /admin/faults/{id}/remove", func(w http.ResponseWriter, r *http.Request) {
		if id, err := strconv.Atoi(r.PathValue("id")); err == nil {
			s.cfg.Faults.Remove(id)
		}
		http.Redirect(w, r, "/admin/", http.StatusSeeOther)
	})
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		var who backend.Account
		err := s.b.View(r.Context(), func(tx *backend.Tx) error {
			var err error
			who, err = tx.Authenticate(name, func(pw string) bool { return subtle.ConstantTimeCompare([]byte(pw), []byte(password)) == 1 })
			return err
		})
		if err != nil || !who.Can("Master") {
			w.Header().Set("WWW-Authenticate", `Basic realm="CommuniGate stand-in", charset="UTF-8"`)
			http.Error(w, "this page needs an account with the right Master", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
		w.Header().Set("Cache-Control", "no-store")
		guarded.ServeHTTP(w, r)
	})
}

type adminDomain struct {
	Name     string
	Accounts []backend.AccountSummary
	More     int // accounts that are not shown
}

const shownAccounts = 200

func (s *Server) showAdmin(w http.ResponseWriter, r *http.Request) {
	page := struct {
		Main     string
		Mode     backend.Mode
		Sessions int
		Domains  []adminDomain
		Faults   []fault.Fault
		Wire     []Exchange
	}{Main: s.b.MainDomain(), Mode: s.b.Mode(), Sessions: s.ximss.Sessions(), Faults: s.cfg.Faults.List(), Wire: s.wire.last()}
	err := s.b.View(r.Context(), func(tx *backend.Tx) error {
		names, err := tx.Domains()
		if err != nil {
			return err
		}
		for _, n := range names {
			list, total, err := tx.Summaries(n, shownAccounts)
			if err != nil {
				return err
			}
			page.Domains = append(page.Domains, adminDomain{n, list, total - len(list)})
		}
		return nil
	})
	if err != nil {
		s.cfg.Log.ErrorContext(r.Context(), "admin page", "err", err)
		http.Error(w, "the storage cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := adminPage.Execute(w, page); err != nil {
		s.cfg.Log.DebugContext(r.Context(), "admin page", "err", err) // the browser has gone
	}
}
