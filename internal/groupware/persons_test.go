package groupware

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/standin"
	"rmp/internal/people"
	"rmp/internal/tenant"
)

// TestSeatsAreShared: where the server has room for few sessions, many people
// at once, and sign-ins among them, are served one after another; nobody is
// refused, and a session that is kept is given up for who needs it.
func TestSeatsAreShared(t *testing.T) {
	for _, seats := range []int{1, 2} {
		t.Run(fmt.Sprint(seats), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			s, err := standin.Open(ctx, standin.Config{Dir: t.TempDir(), MainDomain: "a.test", AdminPassword: "pw", SessionCap: seats})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // the test is over
			web, _, line := s.Addrs()
			admin, err := cli.Dial(ctx, cli.Config{Addr: line, User: "postmaster", Password: "pw"})
			if err != nil {
				t.Fatal(err)
			}
			defer admin.Close() //nolint:errcheck // the test is over
			of := tenant.Tenant{ID: "a", Domain: "a.test"}
			g := New(Config{URL: "http://" + web, CLIAddr: line, Admin: "postmaster", AdminPassword: "pw", Sessions: 1, Persons: seats, Timeout: 20 * time.Second},
				only{of}, slog.New(slog.DiscardHandler))
			defer g.Close(ctx)
			const n = 6
			for i := range n {
				if err := admin.CreateAccount(ctx, fmt.Sprintf("p%d@a.test", i), dataformat.Dict{"Password": "pw"}); err != nil {
					t.Fatal(err)
				}
			}
			var wg sync.WaitGroup
			for i := range n {
				who := fmt.Sprintf("p%d@a.test", i)
				c := people.Caller{Tenant: of, Email: who, Session: "session " + who, Password: "pw"}
				wg.Go(func() {
					for k := range 5 {
						name := fmt.Sprintf("Folder %d", k)
						if err := g.CreateFolder(ctx, c, name); err != nil {
							t.Errorf("%s: %v", who, err)
						}
						if k == 2 {
							if err := g.CheckLogin(ctx, of, who, "pw"); err != nil {
								t.Errorf("%s signs in: %v", who, err)
							}
						}
						if k == 3 {
							g.End(ctx, c.Session)
						}
					}
					if list, err := g.Folders(ctx, c); err != nil || len(list) != 5 {
						t.Errorf("%s: %v, %v", who, list, err)
					}
				})
			}
			wg.Wait()
		})
	}
}
