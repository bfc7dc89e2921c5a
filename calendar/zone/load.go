package zone

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // so that a machine without zone files knows the zones too
)

// Resolver finds the location of the names that calendar programs write.
type Resolver struct {
	Host *time.Location // what CommuniGate Pro calls HostOS: the server's own zone
}

// Load finds a location by its name: of the IANA database, of Windows, or
// HostOS. A name that is not known is an error, never silently UTC.
func (r Resolver) Load(name string) (*time.Location, error) {
	name = strings.Trim(strings.TrimSpace(name), `"`)
	switch {
	case name == "" || name == "Local":
		return nil, fmt.Errorf("%q is not the name of a time zone", name)
	case strings.EqualFold(name, "HostOS"):
		if r.Host == nil {
			return nil, fmt.Errorf("the zone HostOS of the server is not known here")
		}
		return r.Host, nil
	case strings.EqualFold(name, "UTC"), strings.EqualFold(name, "GMT"), name == "Z":
		return time.UTC, nil
	}
	if loc, err := time.LoadLocation(name); err == nil {
		return loc, nil
	}
	if iana, ok := windows[name]; ok {
		return time.LoadLocation(iana)
	}
	// Some programs put a path of their own in front: /example.org/Europe/Berlin.
	if rest, ok := strings.CutPrefix(name, "/"); ok {
		for {
			_, after, found := strings.Cut(rest, "/")
			if !found {
				break
			}
			if loc, err := time.LoadLocation(after); err == nil {
				return loc, nil
			}
			rest = after
		}
	}
	return nil, fmt.Errorf("the time zone %q is not known", name)
}

// windows maps the names of Windows to those of the IANA database, as the
// Unicode CLDR's windowsZones table does for the world territory.
var windows = map[string]string{
	"Dateline Standard Time": "Etc/GMT+12", "Hawaiian Standard Time": "Pacific/Honolulu", "Alaskan Standard Time": "America/Anchorage",
	"Pacific Standard Time": "America/Los_Angeles", "US Mountain Standard Time": "America/Phoenix", "Mountain Standard Time": "America/Denver",
	"Central Standard Time": "America/Chicago", "Eastern Standard Time": "America/New_York", "Atlantic Standard Time": "America/Halifax",
	"Newfoundland Standard Time": "America/St_Johns", "E. South America Standard Time": "America/Sao_Paulo", "Argentina Standard Time": "America/Buenos_Aires",
	"UTC": "Etc/UTC", "GMT Standard Time": "Europe/London", "Greenwich Standard Time": "Atlantic/Reykjavik", "W. Europe Standard Time": "Europe/Berlin",
	"Central Europe Standard Time": "Europe/Budapest", "Romance Standard Time": "Europe/Paris", "Central European Standard Time": "Europe/Warsaw",
	"W. Central Africa Standard Time": "Africa/Lagos", "GTB Standard Time": "Europe/Bucharest", "E. Europe Standard Time": "Europe/Chisinau",
	"Egypt Standard Time": "Africa/Cairo", "South Africa Standard Time": "Africa/Johannesburg", "FLE Standard Time": "Europe/Kiev",
	"Israel Standard Time": "Asia/Jerusalem", "Turkey Standard Time": "Europe/Istanbul", "Russian Standard Time": "Europe/Moscow",
	"Arab Standard Time": "Asia/Riyadh", "Arabian Standard Time": "Asia/Dubai", "Iran Standard Time": "Asia/Tehran", "Pakistan Standard Time": "Asia/Karachi",
	"India Standard Time": "Asia/Calcutta", "Bangladesh Standard Time": "Asia/Dhaka", "SE Asia Standard Time": "Asia/Bangkok",
	"China Standard Time": "Asia/Shanghai", "Singapore Standard Time": "Asia/Singapore", "W. Australia Standard Time": "Australia/Perth",
	"Tokyo Standard Time": "Asia/Tokyo", "Korea Standard Time": "Asia/Seoul", "AUS Eastern Standard Time": "Australia/Sydney",
	"New Zealand Standard Time": "Pacific/Auckland",
}
