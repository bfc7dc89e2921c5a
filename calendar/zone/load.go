package zone

import (
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // so that a machine without zone files knows the zones too
)

// Resolver finds the location of the names that calendar programs write.
type Resolver struct {
	Host *time.Location // what CommuniGate Pro calls HostOS: the server's own zone
}

// Load finds a location by its name: of the IANA database, of Windows (in any
// letter case), or HostOS. A name that is not known is an error, never
// silently UTC.
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
	case len(name) > maxName:
		return nil, fmt.Errorf("the time zone %q… is not known", strings.ToValidUTF8(name[:60], ""))
	case strings.HasPrefix(name, "(UTC") || strings.HasPrefix(name, "(GMT"):
		return nil, fmt.Errorf("%q is how Outlook shows a time zone, not the name of one", name)
	}
	if iana, ok := windowsFold[strings.ToLower(name)]; ok {
		return load(iana)
	}
	if loc, err := load(name); err == nil {
		return loc, nil
	}
	// Some programs put a path of their own in front: /example.org/Europe/Berlin.
	if rest, ok := strings.CutPrefix(name, "/"); ok {
		for range 8 {
			_, after, found := strings.Cut(rest, "/")
			if !found {
				break
			}
			if loc, err := load(after); err == nil {
				return loc, nil
			}
			rest = after
		}
	}
	return nil, fmt.Errorf("the time zone %q is not known", name)
}

// LoadIANA finds a location by its name in the IANA database, as
// time.LoadLocation does, and keeps it. Local is not one: it means another
// zone on each machine.
func LoadIANA(name string) (*time.Location, error) {
	if name == "" || name == "Local" || len(name) > maxName {
		return nil, fmt.Errorf("%q is not the name of a time zone", strings.ToValidUTF8(name[:min(60, len(name))], ""))
	}
	return load(name)
}

// maxName is longer than any name of a zone, path in front included.
const maxName = 200

// loaded keeps the locations that were found, by their names in the IANA
// database: reading one takes a walk through the zone files each time. Only
// names that exist get in, so that it cannot grow by what strangers write;
// maxLoaded is a net below that, for file systems that know a file by several
// names.
var (
	loaded      sync.Map // string → *time.Location
	loadedCount atomic.Int32
)

const maxLoaded = 2000

// load finds a name of the IANA database.
func load(name string) (*time.Location, error) {
	if loc, ok := loaded.Load(name); ok {
		return loc.(*time.Location), nil
	}
	// The zone files are found by path: an empty name, Local, and ways around
	// (Europe/./Berlin) are no names.
	if name == "" || name == "Local" || path.Clean(name) != name {
		return nil, fmt.Errorf("%q is not the name of a time zone", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	if loadedCount.Load() < maxLoaded {
		if _, there := loaded.LoadOrStore(name, loc); !there {
			loadedCount.Add(1)
		}
	}
	return loc, nil
}
