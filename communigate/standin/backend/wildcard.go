package backend

// Wildcard is the pattern of IMAP LIST: * is anything, % anything but /.
// Where the last * or % began is where it goes on when what follows does not
// fit: a mailbox name cannot make it try for long.
func Wildcard(pattern, name string) bool {
	if pattern == "" {
		pattern = "*"
	}
	p, n, star, mark := 0, 0, -1, 0
	percent, percentMark := -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark, percent = p, n, -1
			p++
		case p < len(pattern) && pattern[p] == '%':
			percent, percentMark = p, n
			p++
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case percent >= 0 && name[percentMark] != '/':
			percentMark++
			p, n = percent+1, percentMark
		case star >= 0:
			mark++
			p, n, percent = star+1, mark, -1
		default:
			return false
		}
	}
	for p < len(pattern) && (pattern[p] == '*' || pattern[p] == '%') {
		p++
	}
	return p == len(pattern)
}
