package gatekeeper

// PlacesOf is where a try counts.
var PlacesOf = placesOf

// Hasten answers refusals soon, in tests that are not about that.
func (g *Gatekeeper) Hasten() { g.step = 1 }

// MostWaiting is how many logins may wait and work at once.
func (g *Gatekeeper) MostWaiting() int { return int(g.hasher.most) * 65 / 64 }
