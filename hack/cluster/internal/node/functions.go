package node

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"text/template"
)

// functions are what templates may call. Paths and names go through quote: JSON and TOML strings and YAML's double-quoted ones
// agree on what it writes for printable text.
var functions = template.FuncMap{
	"quote":      strconv.Quote,
	"base64":     base64.StdEncoding.EncodeToString,
	"pods":       Pods.String,
	"podGateway": func() netip.Addr { return Pods.Addr().Next() },
	"domain":     func() string { return Domain },
}
