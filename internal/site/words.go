package site

import (
	"net/http"
	"slices"

	"rmp/internal/wording"
)

// words are the texts of the pages in one language.
type words struct {
	Lang, Name                                 string // of the language
	SignIn, Lead, Address, Password, SignOn    string
	Demo, User, Manager, Admin, DemoPassword   string
	GoOn                                       string
	wrong, wrongSignOn, noSignOn, tries, later string
	unreadable                                 string
}

var languages = []words{
	{Lang: "en", Name: "English", SignIn: "Sign in", Lead: "Rooms, cars, equipment and meetings: see what is free and book it.", Address: "Address", Password: "Password", SignOn: "Single sign-on",
		Demo: "This is the demo.", User: "a user", Manager: "a manager", Admin: "an administrator", DemoPassword: "The password of all three is",
		GoOn:        "Go on to your organisation’s sign-in",
		wrong:       "Wrong address or password.",
		wrongSignOn: "The single sign-on was not accepted, or it knows you by an address that may not enter here.",
		noSignOn:    "The organisation of this address has no single sign-on. Please use the password.",
		tries:       "Too many wrong tries. Please wait some minutes before the next one.",
		later:       "Signing in is not possible at the moment, because the mail server or the single sign-on cannot be asked. Please try again soon.",
		unreadable:  "The form could not be read. Please try again."},
	{Lang: "de", Name: "Deutsch", SignIn: "Anmelden", Lead: "Räume, Autos, Geräte und Besprechungen: sehen, was frei ist, und buchen.", Address: "Adresse", Password: "Passwort", SignOn: "Single Sign-on",
		Demo: "Das ist die Vorführung.", User: "eine Benutzerin", Manager: "eine Betreuerin", Admin: "Administration", DemoPassword: "Das Passwort aller drei ist",
		GoOn:        "Weiter zur Anmeldung Ihrer Organisation",
		wrong:       "Adresse oder Passwort ist falsch.",
		wrongSignOn: "Das Single Sign-on wurde nicht angenommen, oder es kennt Sie unter einer Adresse, die hier keinen Zutritt hat.",
		noSignOn:    "Die Organisation dieser Adresse hat kein Single Sign-on. Bitte nehmen Sie das Passwort.",
		tries:       "Zu viele falsche Versuche. Bitte warten Sie einige Minuten bis zum nächsten.",
		later:       "Die Anmeldung ist im Moment nicht möglich, weil der Mailserver oder das Single Sign-on nicht gefragt werden kann. Bitte versuchen Sie es bald noch einmal.",
		unreadable:  "Das Formular war nicht lesbar. Bitte versuchen Sie es noch einmal."},
}

// wordsFor are those of the language that was chosen on the page or in the
// app, else of the browser's.
func wordsFor(r *http.Request) words {
	chosen := r.URL.Query().Get("lang")
	if r.PostForm != nil && r.PostForm.Get("lang") != "" {
		chosen = r.PostForm.Get("lang")
	}
	for _, w := range languages {
		if w.Lang == chosen {
			return w
		}
	}
	best := wording.Best(r.Header.Get("Accept-Language"))
	return languages[slices.IndexFunc(languages, func(w words) bool { return w.Lang == best })]
}
