package ximss_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"rmp/communigate/ximss"
)

func TestTCP(t *testing.T) {
	s, cfg := start(t, 3, nil)
	web, tcp, _ := s.Addrs()
	for name, method := range map[string]ximss.LoginMethod{"clear": ximss.LoginForm, "cram": ximss.LoginCRAM} {
		for _, addr := range []string{tcp, web} { // the HTTP port takes it too
			t.Run(name, func(t *testing.T) {
				cfg := cfg
				cfg.Login = method
				c, err := ximss.DialTCP(t.Context(), addr, cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // it does not fail
				if c.Account() != "ann@corp.example" {
					t.Errorf("signed in as %s", c.Account())
				}
				replies, err := c.Do(t.Context(), ximss.OpenCalendar("c", "Calendar"), ximss.Publish("c", event("t", nine)), ximss.FindEvents("c", nine, weeks), ximss.RemoveMailbox("None"))
				if err != nil {
					t.Fatal(err)
				}
				if found, err := replies[2].Occurrences(); err != nil || len(found) != 2 || !errors.Is(replies[3].Err, ximss.ErrNotFound) {
					t.Errorf("%+v, %v, %v", found, err, replies[3].Err)
				}
				select {
				case n := <-c.Events():
					if n.String() != `<calendarReport calendar="c" mode="notify"/>` {
						t.Errorf("%s", n)
					}
				case <-time.After(10 * time.Second):
					t.Error("nothing is told")
				}
				// Many at once, each gets its own answer.
				var wg sync.WaitGroup
				for i := range 30 {
					wg.Go(func() {
						want := fmt.Sprintf("room-%d@corp.example", i%3)
						replies, err := c.Do(t.Context(), ximss.FreeBusy(want, nine, weeks))
						if err != nil || replies[0].Data[0].Attr("peer") != want {
							t.Errorf("%+v, %v", replies, err)
						}
					})
				}
				wg.Wait()
			})
		}
	}
	cfg.Password = "wrong-word"
	for _, method := range []ximss.LoginMethod{ximss.LoginForm, ximss.LoginCRAM} {
		cfg.Login = method
		if _, err := ximss.DialTCP(t.Context(), tcp, cfg); !errors.Is(err, ximss.ErrBadLogin) || strings.Contains(err.Error(), "wrong-word") {
			t.Errorf("%v", err)
		}
	}
}

// TestTCPFailures: a server that closes, says nonsense, half of something, or
// nothing; nothing hangs and nothing is left running.
func TestTCPFailures(t *testing.T) {
	hello := `<session id="1" urlID="x" userName="a"/>` + "\x00" + `<response id="1"/>` + "\x00" + `<prefs id="2"/>` + "\x00" + `<response id="2"/>` + "\x00"
	before := runtime.NumGoroutine()
	for name, c := range map[string]struct {
		reply string
		want  error
	}{
		"closed":      {"", ximss.ErrSessionLost},
		"half":        {`<response id="3"`, ximss.ErrUnreachable},
		"nonsense":    {"nonsense\x00", ximss.ErrProtocol},
		"goodbye":     {"<bye/>\x00", ximss.ErrSessionLost},
		"for another": {`<response id="99"/>` + "\x00wait", ximss.ErrSlow},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close() //nolint:errcheck // the test is over
			var wg sync.WaitGroup
			wg.Go(func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close() //nolint:errcheck // the script is over
				buf := make([]byte, 4096)
				answer := []string{hello[:strings.Index(hello, "<prefs")], hello[strings.Index(hello, "<prefs"):], strings.TrimSuffix(c.reply, "wait")}
				for _, a := range answer {
					if _, err := conn.Read(buf); err != nil {
						return
					}
					_, _ = conn.Write([]byte(a))
				}
				if strings.HasSuffix(c.reply, "wait") {
					_, _ = conn.Read(buf)
				}
			})
			conn, err := ximss.DialTCP(t.Context(), l.Addr().String(), ximss.Config{User: "a", Password: "b", Timeout: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Do(t.Context(), ximss.MailboxRights("INBOX")); !errors.Is(err, c.want) {
				t.Errorf("%v", err)
			}
			for range conn.Events() {
				t.Error("an event out of nothing")
			}
			if conn.Err() == nil {
				t.Error("it goes on")
			}
			_ = conn.Close(t.Context())
			wg.Wait()
		})
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}
