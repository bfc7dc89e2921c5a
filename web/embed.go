// Package web holds the build of the browser app inside the program.
//
// The app's sources are beside this file (Svelte and TypeScript, built by Vite
// into dist). Go builds without that build: dist then holds no index page, and
// whoever serves the app says how to make one.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS answers the files of the built app, index.html at the top, and whether
// the app was built into this program at all.
func FS() (files fs.FS, built bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil { // dist is embedded above, so only a wrong name gets here
		return dist, false
	}
	_, err = fs.Stat(files, "index.html")
	return files, err == nil
}
