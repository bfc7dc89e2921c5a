package demo

import (
	"fmt"
	"strings"

	"rmp/internal/directory"
	"rmp/internal/tenant"
)

// The demo tenant, and the logins that are printed at the start.
const (
	Domain   = "example.test"
	TimeZone = "Europe/Berlin"
	Password = "rmp-demo" // public; it opens the demo tenant only
	User     = "anna@example.test"
	Admin    = "admin@example.test"
	Manager  = "elena@example.test" // runs the rooms of the lab
	lab      = "Lab"
)

type person struct {
	email, name string
	role        tenant.Role
}

// people are 40 persons and the administrator.
func people() []person {
	names := []string{
		"Anna Berg", "Ben Carter", "Clara Diaz", "David Eriksen", "Elena Fischer", "Farid Ghani", "Greta Holm", "Hugo Ilves",
		"Ines Jansen", "Jonas Keller", "Katja Lang", "Liam Murphy", "Mara Novak", "Nils Olsen", "Olga Petrova", "Paul Quist",
		"Rosa Santos", "Stefan Thiel", "Tara Ueda", "Umut Vural", "Vera Weiss", "Wim Xander", "Yara Young", "Zoe Adler",
		"Ali Baran", "Bea Conti", "Carl Dorn", "Dana Engel", "Emil Frank", "Fiona Gray", "Georg Haas", "Hana Ito",
		"Ivan Jovic", "Julia Kraus", "Kofi Lartey", "Lena Maier", "Marco Neri", "Nadia Orlov", "Oscar Prins", "Petra Roth",
	}
	out := make([]person, 0, len(names)+1)
	for i, n := range names {
		first, _, _ := strings.Cut(n, " ")
		p := person{email: strings.ToLower(first) + "@" + Domain, name: n, role: tenant.User}
		if i == 4 {
			p.role = tenant.Manager
		}
		out = append(out, p)
	}
	return append(out, person{Admin, "Alex Admin", tenant.SuperAdmin})
}

// resources are rooms of different sizes, parking spaces, vehicles,
// equipment and catering services.
func resources() []directory.Resource {
	var out []directory.Resource
	add := func(kind, local, name, site, floor string, capacity int, description string, features ...string) {
		t, _ := directory.TypeByName(tenant.Tenant{}, kind) // kinds below are of directory.Types
		out = append(out, directory.Resource{Email: local + "@" + t.Domain(Domain), Type: kind, Name: name, Site: site, Floor: floor,
			Capacity: capacity, Description: description, Features: features, TimeZone: TimeZone, Active: true})
	}
	const hq = "Headquarters"
	room := func(local, name, site, floor string, capacity int, features ...string) {
		add("conference-room", local, name, site, floor, capacity, "", features...)
	}
	room("aalborg", "Aalborg", hq, "1", 2, "screen")
	room("berlin", "Berlin", hq, "1", 4, "screen", "whiteboard")
	room("cork", "Cork", hq, "1", 4, "whiteboard")
	room("dresden", "Dresden", hq, "2", 6, "screen", "video")
	room("essen", "Essen", hq, "2", 6, "screen", "whiteboard")
	room("florence", "Florence", hq, "2", 8, "screen", "video", "whiteboard")
	room("geneva", "Geneva", hq, "3", 10, "screen", "video")
	room("helsinki", "Helsinki", hq, "3", 12, "screen", "video", "whiteboard")
	room("istanbul", "Istanbul", hq, "3", 20, "projector", "video", "microphone")
	room("jena", "Jena", lab, "0", 6, "screen", "whiteboard")
	room("kyiv", "Kyiv", lab, "0", 14, "screen", "video")
	room("lisbon", "Lisbon", hq, "0", 80, "projector", "stage", "microphone", "video")
	for i := 1; i <= 8; i++ {
		var features []string
		if i <= 2 {
			features = []string{"charger"}
		}
		add("parking-space", fmt.Sprintf("p%d", i), fmt.Sprintf("Parking %d", i), hq, "Garage", 0, "", features...)
	}
	add("company-vehicle", "golf", "VW Golf", hq, "Garage", 5, "Manual, petrol", "navigation")
	add("company-vehicle", "id4", "VW ID.4", hq, "Garage", 5, "Electric, 450 km", "navigation", "electric")
	add("company-vehicle", "transit", "Ford Transit", hq, "Garage", 3, "Van, 9 cubic metres", "van")
	add("company-vehicle", "cargo-bike", "Cargo bike", lab, "Yard", 1, "Electric, up to 80 kg", "electric")
	add("equipment", "projector-1", "Projector 1", hq, "2", 0, "Portable, 3,500 lumen", "hdmi")
	add("equipment", "projector-2", "Projector 2", lab, "0", 0, "Portable, 2,500 lumen", "hdmi")
	add("equipment", "conference-phone", "Conference phone", hq, "1", 0, "", "bluetooth")
	add("equipment", "vr-kit", "VR kit", lab, "0", 0, "Two headsets")
	add("catering-service", "kitchen", "Kitchen", hq, "0", 0, "Lunch and warm dishes, order a day ahead", "vegetarian", "vegan")
	add("catering-service", "coffee-bar", "Coffee bar", hq, "0", 0, "Coffee, tea, fruit and cake", "vegan")
	return out
}

// subjects of the demo's meetings.
var subjects = []string{
	"Sprint planning", "Design review", "Customer call", "Budget round", "Interview", "Retrospective", "Release meeting", "Workshop",
	"Project kick-off", "Security review", "Marketing sync", "Sales pipeline", "Training", "Architecture talk", "One to one", "Supplier visit",
	"Data protection", "Roadmap", "Support hand-over", "Team lunch",
}

var weeklySubjects = []string{"Team weekly", "Department round", "Product sync", "Engineering huddle", "Operations stand-up", "Language class"}
