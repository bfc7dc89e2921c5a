package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The subset of CycloneDX 1.6 that is written: https://cyclonedx.org/docs/1.6/json/
type (
	cdxBill struct {
		Schema       string          `json:"$schema"`
		Format       string          `json:"bomFormat"`
		Spec         string          `json:"specVersion"`
		Serial       string          `json:"serialNumber"`
		Version      int             `json:"version"`
		Metadata     cdxMetadata     `json:"metadata"`
		Components   []cdxComponent  `json:"components"`
		Dependencies []cdxDependency `json:"dependencies"`
	}
	cdxMetadata struct {
		Timestamp string        `json:"timestamp"`
		Component cdxComponent  `json:"component"`
		Property  []cdxProperty `json:"properties"`
	}
	cdxComponent struct {
		Type       string        `json:"type"`
		Ref        string        `json:"bom-ref"`
		Name       string        `json:"name"`
		Version    string        `json:"version"`
		Scope      string        `json:"scope,omitempty"`
		Hashes     []cdxHash     `json:"hashes,omitempty"`
		Licenses   []cdxLicense  `json:"licenses,omitempty"`
		PURL       string        `json:"purl,omitempty"`
		Properties []cdxProperty `json:"properties,omitempty"`
	}
	cdxHash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	cdxLicense struct {
		Expression string `json:"expression"`
	}
	cdxProperty struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	cdxDependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
)

// bill is the bill of materials of a program. What the browser app is only
// built and tested with is in it too, with the scope "excluded".
func (r release) bill(parts []part, platform string, program []byte) ([]byte, error) {
	sum := sha256.Sum256(program)
	self := cdxComponent{Type: "application", Ref: "rmp", Name: "rmp", Version: r.version, Hashes: []cdxHash{{"SHA-256", hex.EncodeToString(sum[:])}},
		Licenses: []cdxLicense{{"Apache-2.0"}}, Properties: []cdxProperty{{"rmp:commit", r.commit}, {"rmp:platform", platform}}}
	b := cdxBill{Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Serial: "urn:uuid:" + uuid(sum), Version: 1,
		Metadata: cdxMetadata{Timestamp: r.time.Format(time.RFC3339), Component: self, Property: []cdxProperty{{"rmp:tool", "tools/release"}}}}
	inside := cdxDependency{Ref: "rmp"}
	for _, p := range parts {
		c := cdxComponent{Type: "library", Ref: p.purl, Name: p.name, Version: p.version, Scope: "required", PURL: p.purl}
		if p.tool {
			c.Scope = "excluded"
		} else {
			inside.DependsOn = append(inside.DependsOn, p.purl)
		}
		if p.sha512 != "" {
			c.Hashes = []cdxHash{{"SHA-512", p.sha512}}
		}
		if p.sum != "" {
			c.Properties = []cdxProperty{{"go:sum", p.sum}}
		}
		if p.licence != "" {
			c.Licenses = []cdxLicense{{p.licence}}
		}
		b.Components = append(b.Components, c)
	}
	b.Dependencies = []cdxDependency{inside}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(b); err != nil {
		return nil, fmt.Errorf("bill of materials: %w", err)
	}
	return out.Bytes(), nil
}

// uuid is a name of the form of RFC 9562, version 8, made of a checksum: the
// same program has the same one.
func uuid(sum [32]byte) string {
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:32]}, "-")
}
