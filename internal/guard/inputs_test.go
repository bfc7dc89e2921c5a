package guard

import (
	"go/ast"
	"strings"
	"testing"
	"unicode"
)

// TestInputsAreRead: huma does not look into an embedded struct that is not
// exported, so its parameters would silently be left out.
func TestInputsAreRead(t *testing.T) {
	looked := 0
	sources(t, func(s source) {
		if s.dir != "internal/api" || s.test {
			return
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			body, ok := spec.Type.(*ast.StructType)
			if !ok || !strings.HasSuffix(spec.Name.Name, "Input") {
				return true
			}
			looked++
			for _, f := range body.Fields.List {
				if id, ok := f.Type.(*ast.Ident); ok && len(f.Names) == 0 && !unicode.IsUpper(rune(id.Name[0])) {
					t.Errorf("%s: %s embeds %s, which is not exported: its parameters are not read", s.at(f), spec.Name.Name, id.Name)
				}
			}
			return true
		})
	})
	if looked < 10 {
		t.Errorf("only %d inputs were looked at", looked)
	}
}
