//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/ximss"
	"rmp/internal/store/pgtest"
)

// The load: writers book single dates, series, and several resources at
// once, change and cancel, on few resources, so that nearly everything
// collides. What was answered is written down, and an independent checker
// compares it with the database and with the calendars when all is still.

// factor makes the tests longer than in CI: RMP_LOAD=10.
func factor() int {
	n, err := strconv.Atoi(os.Getenv("RMP_LOAD"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

var contested = []string{
	"berlin@confroom.resources.example.test", "essen@confroom.resources.example.test",
	"p1@parking.resources.example.test", "projector-1@equipment.resources.example.test",
}

// span is a time that an acknowledged booking has, or had, of a resource.
type span struct {
	id, resource string
	start, end   time.Time
	from, till   time.Time // when it may have been there, by the clock of the test; zero till: still
}

// journal is what the writers were told.
type journal struct {
	mu      sync.Mutex
	live    map[string]map[string]any // booking id: the last answer
	gone    map[string]bool
	version map[string]float64
	spans   []span
	// unsureTitles are of changes whose answer was lost.
	unsureTitles map[string]bool

	created, conflicts, changed, cancelled, unsure atomic.Int64
}

func newJournal() *journal {
	return &journal{live: map[string]map[string]any{}, gone: map[string]bool{}, version: map[string]float64{}, unsureTitles: map[string]bool{}}
}

func when(v any) time.Time {
	s, _ := v.(string)
	t, _ := time.Parse(time.RFC3339, s)
	return t
}

// note writes down an acknowledged state of a booking, which was asked for at
// a time.
func (j *journal) note(b map[string]any, asked time.Time) {
	id := b["id"].(string)
	j.mu.Lock()
	defer j.mu.Unlock()
	// Answers to two people who change one booking may come in any order.
	late := b["version"].(float64) <= j.version[id]
	var till time.Time
	if late {
		till = time.Now()
	} else {
		j.version[id] = b["version"].(float64)
		j.end(id, time.Now())
		if b["status"] == "cancelled" {
			delete(j.live, id)
			j.gone[id] = true
			return
		}
		j.live[id] = b
	}
	for _, d := range datesOf(b) {
		for _, r := range b["resources"].([]any) {
			j.spans = append(j.spans, span{id: id, resource: r.(map[string]any)["email"].(string), start: d[0], end: d[1], from: asked, till: till})
		}
	}
}

func (j *journal) end(id string, at time.Time) {
	for i := range j.spans {
		if j.spans[i].id == id && j.spans[i].till.IsZero() {
			j.spans[i].till = at
		}
	}
}

// datesOf works out the dates of a booking by itself: the series of the load
// are daily or weekly.
func datesOf(b map[string]any) [][2]time.Time {
	start, end := when(b["start"]), when(b["end"])
	r, ok := b["recurrence"].(map[string]any)
	if !ok {
		return [][2]time.Time{{start, end}}
	}
	var count int
	_, _ = fmt.Sscanf(r["rrule"].(string), "FREQ=DAILY;COUNT=%d", &count)
	step := 1
	if count == 0 {
		_, _ = fmt.Sscanf(r["rrule"].(string), "FREQ=WEEKLY;COUNT=%d", &count)
		step = 7
	}
	out := map[time.Time][2]time.Time{}
	for i := range count {
		out[start.AddDate(0, 0, i*step)] = [2]time.Time{start.AddDate(0, 0, i*step), end.AddDate(0, 0, i*step)}
	}
	exceptions, _ := b["exceptions"].([]any)
	for _, x := range exceptions {
		x := x.(map[string]any)
		delete(out, when(x["occurrence"]))
		if x["state"] == "changed" {
			out[when(x["occurrence"])] = [2]time.Time{when(x["start"]), when(x["end"])}
		}
	}
	var list [][2]time.Time
	for _, d := range out {
		list = append(list, d)
	}
	return list
}

// truth says whether a conflict that was told was one: something acknowledged,
// under way, or written by others overlapped while it was asked.
func (j *journal) truth(resource string, start, end time.Time, asked, told time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.ContainsFunc(j.spans, func(s span) bool {
		return s.resource == resource && s.start.Before(end) && s.end.After(start) && s.from.Before(told) && (s.till.IsZero() || s.till.After(asked))
	})
}

func (j *journal) pick(rnd *rand.Rand) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.live) == 0 {
		return ""
	}
	n := rnd.IntN(len(j.live))
	for id := range j.live { // any will do
		if n == 0 {
			return id
		}
		n--
	}
	return ""
}

// writer does n random things. Answers that mean the server was away are
// retried under the same key, as a client would.
func writer(t *testing.T, j *journal, rnd *rand.Rand, n int, base time.Time, tokens []string, processes func(int) *process, suspicious *sync.Map) {
	for i := range n {
		k := rnd.IntN(len(tokens))
		body := randomBooking(rnd, base)
		asked := time.Now()
		switch action := rnd.IntN(10); {
		case action < 6:
			key := fmt.Sprintf("%d-%d-%d", rnd.Int64(), i, asked.UnixNano())
			status, b := insist(processes, k, "POST", "/api/v2/bookings", tokens[k], body, key)
			switch status {
			case http.StatusCreated:
				j.created.Add(1)
				j.note(b, asked)
			case http.StatusConflict:
				j.conflicts.Add(1)
				suspicious.Store(fmt.Sprint(key), [3]any{b, asked, time.Now()})
			case 0:
				j.unsure.Add(1)
			default:
				t.Errorf("POST: %d %v", status, b)
			}
		case action < 8:
			id := j.pick(rnd)
			if id == "" {
				continue
			}
			delete(body, "recurrence")
			status, b := insist(processes, k, "PUT", "/api/v2/bookings/"+id, tokens[k], body, "")
			switch status {
			case http.StatusOK:
				j.changed.Add(1)
				j.note(b, asked)
			case http.StatusConflict, http.StatusUnprocessableEntity, http.StatusPreconditionFailed: // taken, cancelled meanwhile, changed meanwhile
			case 0: // it may have been done, and be in the way of others
				j.mu.Lock()
				j.unsureTitles[body["title"].(string)] = true
				j.mu.Unlock()
				j.unsure.Add(1)
			default:
				t.Errorf("PUT: %d %v", status, b)
			}
		default:
			id := j.pick(rnd)
			if id == "" {
				continue
			}
			status, b := insist(processes, k, "DELETE", "/api/v2/bookings/"+id, tokens[k], nil, "")
			switch status {
			case http.StatusOK:
				j.cancelled.Add(1)
				j.note(b, asked)
			case 0: // it may be gone, or not
				j.mu.Lock()
				delete(j.live, id)
				j.mu.Unlock()
			default:
				t.Errorf("DELETE: %d %v", status, b)
			}
		}
	}
}

func randomBooking(rnd *rand.Rand, base time.Time) map[string]any {
	start := base.AddDate(0, 0, rnd.IntN(14)).Add(time.Duration(8*4+rnd.IntN(40)) * 15 * time.Minute)
	resources := []string{contested[rnd.IntN(len(contested))]}
	if rnd.IntN(4) == 0 {
		resources = append(resources, contested[rnd.IntN(len(contested))], contested[rnd.IntN(len(contested))])
	}
	b := map[string]any{"title": fmt.Sprintf("Load %d", rnd.IntN(1000)), "start": start.Format(time.RFC3339), "end": start.Add(time.Duration(1+rnd.IntN(4)) * 15 * time.Minute).Format(time.RFC3339),
		"timeZone": "UTC", "resources": resources}
	if rnd.IntN(5) == 0 {
		b["recurrence"] = []string{"FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;COUNT=2", "FREQ=DAILY;COUNT=5"}[rnd.IntN(3)]
		if rnd.IntN(2) == 0 {
			b["onConflict"] = "skip"
		}
	}
	return b
}

// insist repeats a request while the server is away or asks for patience, up
// to a limit; 0 means that it is not known what became of it.
func insist(processes func(int) *process, k int, method, path, token string, body any, key string) (int, map[string]any) {
	deadline := time.Now().Add(60 * time.Second)
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		status, answer, err := processes(k).tryKey(method, path, token, body, key)
		if err == nil && status != http.StatusTooManyRequests && status < 500 {
			return status, answer
		}
		if time.Now().After(deadline) {
			return 0, answer
		}
		if method == "PUT" && err != nil { // perhaps it was done: another version answers
			return 0, nil
		}
		<-pause.C
	}
}

// check is the independent checker: it reads the database through the API,
// and the calendars past it.
func check(t *testing.T, j *journal, p *process, web, cli, password string, base time.Time) {
	t.Helper()
	token := p.login(t, "admin@example.test")
	settled(t, p)
	from, till := base.AddDate(0, 0, -2), base.AddDate(0, 0, 40)
	stored := map[string][]span{}
	known := map[string]map[string]any{}
	cursor := ""
	for {
		path := "/api/v2/bookings?limit=1000&from=" + from.Format(time.RFC3339) + "&till=" + till.Format(time.RFC3339) + "&cursor=" + cursor
		status, page := p.call(t, "GET", path, token, nil)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, page)
		}
		for _, x := range page["items"].([]any) {
			b := x.(map[string]any)
			if b["status"] == "cancelled" {
				continue
			}
			known[b["id"].(string)] = b
			for _, r := range b["resources"].([]any) {
				email := r.(map[string]any)["email"].(string)
				stored[email] = append(stored[email], span{id: b["uid"].(string), start: when(b["start"]), end: when(b["end"])})
			}
		}
		if cursor, _ = page["nextCursor"].(string); cursor == "" {
			break
		}
	}
	for id, b := range j.live {
		now := known[id]
		if now == nil {
			t.Errorf("an acknowledged booking is not there: %v", b)
		}
	}
	for id := range j.gone {
		if known[id] != nil {
			t.Errorf("a cancelled booking is there: %v", known[id])
		}
	}
	overlap := func(where string, list []span) {
		slices.SortFunc(list, func(a, b span) int { return a.start.Compare(b.start) })
		for i := 1; i < len(list); i++ {
			if list[i].start.Before(list[i-1].end) {
				t.Errorf("%s: %v overlaps %v", where, list[i], list[i-1])
			}
		}
	}
	dates := 0
	for _, email := range contested {
		allow(t, cli, email, "boss@standin.test")
		overlap("the database, "+email, stored[email])
		dates += len(stored[email])
		var inCalendar []span
		for _, o := range readCalendar(t, web, password, email, from, till) {
			if len(o.ItemUID) > 4 && o.ItemUID[:4] == "RMP-" {
				inCalendar = append(inCalendar, span{id: o.ItemUID, start: o.Start.UTC(), end: o.End.UTC()})
			}
		}
		overlap("the calendar of "+email, inCalendar)
		slices.SortFunc(inCalendar, func(a, b span) int { return a.start.Compare(b.start) })
		if !slices.EqualFunc(inCalendar, stored[email], func(a, b span) bool { return a.id == b.id && a.start.Equal(b.start) && a.end.Equal(b.end) }) {
			t.Errorf("%s: the calendar has %d dates, the database %d, or others", email, len(inCalendar), len(stored[email]))
		}
	}
	t.Logf("%d created, %d conflicts, %d changed, %d cancelled, %d unsure; %d dates in the end", j.created.Load(), j.conflicts.Load(), j.changed.Load(), j.cancelled.Load(), j.unsure.Load(), dates)
	if j.created.Load() == 0 || j.conflicts.Load() == 0 {
		t.Error("the load did nothing, or never collided")
	}
}

// metric reads a value of /metrics; -1 if it is not there.
func metric(t *testing.T, resp *http.Response, name string) float64 {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return -1
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if v, err := strconv.ParseFloat(rest, 64); err == nil {
				return v
			}
		}
	}
	return -1
}

// settled waits until every calendar write is done.
func settled(t *testing.T, p *process) {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		n := -1.0
		if resp, err := http.DefaultClient.Do(req); err == nil {
			n = metric(t, resp, `rmp_outbox_jobs{state="pending"}`)
			_ = resp.Body.Close()
		}
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v calendar writes are still pending", n)
		}
		<-tick.C
	}
}

// readCalendar reads a calendar as the service account, past RMP.
func readCalendar(t *testing.T, web, password, email string, from, till time.Time) []ximss.Occurrence {
	t.Helper()
	cfg := ximss.Config{URL: "http://" + web, User: "boss", Password: password}
	s, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // the test is over
	replies, err := s.Do(t.Context(), ximss.OpenCalendar("c", "~"+email+"/Calendar"), ximss.FindEvents("c", from, till))
	if err != nil || replies[0].Err != nil {
		t.Fatal(err, replies[0].Err)
	}
	list, err := replies[1].Occurrences()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// judgeConflicts checks each refusal against what the others were told.
func judgeConflicts(t *testing.T, j *journal, suspicious *sync.Map) {
	t.Helper()
	untrue := 0
	suspicious.Range(func(_, v any) bool {
		x := v.([3]any)
		conflicts, _ := x[0].(map[string]any)["conflicts"].([]any)
		if len(conflicts) == 0 {
			untrue++
			t.Errorf("a conflict without reason: %v", x[0])
		}
		for _, c := range conflicts {
			c := c.(map[string]any)
			held, _ := c["heldBy"].(map[string]any)
			if title, _ := held["title"].(string); j.unsureTitles[title] {
				continue
			}
			if !j.truth(c["resource"].(string), when(c["start"]), when(c["end"]), x[1].(time.Time), x[2].(time.Time)) {
				untrue++
				t.Errorf("nothing was in the way: %v", c)
			}
		}
		return untrue < 5
	})
}

func loadBase() time.Time { return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 120) }

// unleash runs writers until each has done its share.
func unleash(t *testing.T, j *journal, writers, each int, base time.Time, tokens []string, processes func(int) *process) {
	t.Helper()
	var suspicious sync.Map
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() { writer(t, j, rand.New(rand.NewPCG(uint64(i), 7)), each, base, tokens, processes, &suspicious) })
	}
	wg.Wait()
	judgeConflicts(t, j, &suspicious)
}

// foreigner writes events of another program into a room while the load runs,
// and takes them away again.
func foreigner(t *testing.T, j *journal, web, password string, base time.Time, stop <-chan struct{}) {
	cfg := ximss.Config{URL: "http://" + web, User: "boss", Password: password}
	s, err := ximss.Login(context.WithoutCancel(t.Context()), ximss.Client(cfg), cfg)
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // the test is over
	rnd := rand.New(rand.NewPCG(3, 3))
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		start := base.AddDate(0, 0, rnd.IntN(14)).Add(time.Duration(32+rnd.IntN(40)) * 15 * time.Minute)
		uid := fmt.Sprintf("foreign-%d", i)
		e := &ical.Event{UID: uid, Start: ical.At(start), End: ical.At(start.Add(15 * time.Minute)), Summary: "From elsewhere", Organizer: &ical.Address{Email: "ben@example.test"}, Transp: "OPAQUE", BusyStatus: "BUSY"}
		j.mu.Lock()
		j.spans = append(j.spans, span{id: uid, resource: contested[0], start: start, end: start.Add(15 * time.Minute), from: time.Now()})
		j.mu.Unlock()
		replies, err := s.Do(context.WithoutCancel(t.Context()), ximss.OpenCalendar("c", "~"+contested[0]+"/Calendar"), ximss.Publish("c", &ical.Calendar{Method: "PUBLISH", Events: []*ical.Event{e}}), ximss.CloseCalendar("c"))
		if err != nil || replies[1].Err != nil {
			t.Error(err, replies)
			return
		}
	}
}

func TestLoadOnSQLite(t *testing.T) {
	web, cli := standinOf(t, t.TempDir())
	p := start(t, running, withCGP(web, cli, "--data", t.TempDir(), "--demo", "yes")...)
	j, base := newJournal(), loadBase()
	tokens := []string{p.login(t, "admin@example.test")}
	stop := make(chan struct{})
	allow(t, cli, contested[0], "boss@standin.test")
	var others sync.WaitGroup
	others.Go(func() { foreigner(t, j, web, "secret word", base, stop) })
	unleash(t, j, 200, 5*factor(), base, tokens, func(int) *process { return p })
	close(stop)
	others.Wait()
	check(t, j, p, web, cli, "secret word", base)
}

func TestLoadOnThreeProcesses(t *testing.T) {
	web, cli := standinOf(t, t.TempDir())
	db := pgtest.URL(t)
	var list []*process
	var tokens []string
	for i := range 3 {
		demo := "--no-demo"
		if i == 0 {
			demo = "--demo=yes"
		}
		p := start(t, running, withCGP(web, cli, "--data", t.TempDir(), "--db", db, demo)...)
		list = append(list, p)
		tokens = append(tokens, p.login(t, "admin@example.test"))
	}
	j, base := newJournal(), loadBase()
	unleash(t, j, 200, 5*factor(), base, tokens, func(k int) *process { return list[k%len(list)] })
	check(t, j, list[0], web, cli, "secret word", base)
}

// TestKilledUnderLoad kills rmp, and the stand-in, at random instants.
func TestKilledUnderLoad(t *testing.T) {
	standinDir, data := t.TempDir(), t.TempDir()
	web, cli := freeAddr(t), freeAddr(t)
	calendars := standinAt(t, standinDir, web, cli)
	listen := freeAddr(t)
	args := withCGP(web, cli, "--data", data, "--demo", "yes", "--cgp.timeout", "2s")
	args[2] = listen
	var current atomic.Pointer[process]
	current.Store(start(t, running, args...))
	p := current.Load()
	j, base := newJournal(), loadBase()
	tokens := []string{p.login(t, "admin@example.test")}
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	rounds := 4 * factor()
	done := make(chan struct{})
	go func() {
		defer close(done)
		unleash(t, j, 32, 10*rounds, base, tokens, func(int) *process { return current.Load() })
	}()
	kills := 0
	for range rounds {
		wait := time.NewTimer(time.Duration(200+rnd.IntN(1200)) * time.Millisecond)
		select {
		case <-done:
			wait.Stop()
		case <-wait.C:
		}
		victim := current.Load()
		if kills++; kills%4 == 0 {
			_ = calendars.cmd.Process.Signal(syscall.SIGKILL)
			_ = calendars.cmd.Wait()
			calendars = standinAt(t, standinDir, web, cli)
			continue
		}
		_ = victim.cmd.Process.Signal(syscall.SIGKILL)
		_ = victim.cmd.Wait()
		current.Store(start(t, running, args...))
	}
	<-done
	t.Logf("%d kills", kills)
	check(t, j, current.Load(), web, cli, "secret word", base)
}

func (p *process) tryKey(method, path, token string, body any, key string) (int, map[string]any, error) {
	if key == "" {
		return p.try(method, path, token, body)
	}
	return p.tryWith(method, path, token, body, http.Header{"Idempotency-Key": {key}})
}
