{{- /* The types in reading order: each kind, and below a type those of its fields, depth first, each once. */ -}}
{{- define "gvList" -}}
{{- range . -}}
{{- $gv := . -}}
{{- range .SortedKinds -}}
{{- $kind := $gv.TypeForKind . -}}
{{- template "walk" dict "type" $kind "package" $kind.Package "seen" dict -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "walk" -}}
{{- $in := . -}}
{{- with .type -}}
{{- if .ValueType -}}
{{- template "walk" dict "type" .ValueType "package" $in.package "seen" $in.seen -}}
{{- else if and (eq .Package $in.package) (not (hasKey $in.seen .Name)) -}}
{{- $_ := set $in.seen .Name true -}}
{{- template "type" . -}}
{{- range .Members -}}
{{- template "walk" dict "type" .Type "package" $in.package "seen" $in.seen -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "type" }}
### {{ .Name }}

{{ .Doc }}
{{ template "rules" .Markers }}
{{- if .Members }}
| field | | |
|---|---|---|
{{ range .Members -}}
| `{{ .Name }}`{{ if index .Markers "required" }} **required**{{ end }} | {{ markdownRenderType .Type }}{{ if .Type.IsBasic }}{{ template "enum" .Markers }}{{ end }}{{ template "bounds" .Markers }} | {{ template "line" .Doc }}{{ if not .Type.Members }}{{ template "inline" .Markers }}{{ end }} |
{{ end -}}
{{- else if .EnumValues }}
| value | |
|---|---|
{{ range .EnumValues -}}
| `{{ .Name }}` | {{ template "line" regexReplaceAll "^[A-Z][A-Za-z]+ (is )?" .Doc "" }} |
{{ end -}}
{{- end -}}
{{- end -}}

{{- define "line" -}}
{{ markdownRenderFieldDoc . | replace "<br />" " " | trim }}
{{- end -}}

{{- /* rules are what a whole object has to be. */ -}}
{{- define "rules" -}}
{{- range index . "kubebuilder:validation:XValidation" }}
- {{ .Message }}
{{- end -}}
{{- if index . "kubebuilder:validation:XValidation" }}
{{ end -}}
{{- end -}}

{{- define "inline" -}}
{{- range index . "kubebuilder:validation:XValidation" }}<br>*{{ .Message | replace "|" "\\|" }}*{{ end -}}
{{- end -}}

{{- define "enum" -}}
{{- range index . "kubebuilder:validation:Enum" }}<br>one of {{ range $i, $value := . }}{{ if $i }}, {{ end }}{{ printf "%q" $value }}{{ end }}{{ end -}}
{{- end -}}

{{- define "bounds" -}}
{{- range index . "kubebuilder:validation:MaxLength" }}<br>≤ {{ . }} characters{{ end -}}
{{- range index . "kubebuilder:validation:MaxItems" }}<br>≤ {{ . }} items{{ end -}}
{{- range index . "kubebuilder:validation:MaxProperties" }}<br>≤ {{ . }} entries{{ end -}}
{{- range index . "kubebuilder:validation:Minimum" }}<br>≥ {{ printf "%.0f" . }}{{ end -}}
{{- range index . "kubebuilder:validation:Maximum" }}<br>≤ {{ printf "%.0f" . }}{{ end -}}
{{- end -}}
