{{- /* What the admission policy (written by `make docs`) needs of the values. */ -}}

{{- define "initshim.hasWebhook" -}}
{{- if ne .Values.engine "policy" -}}true{{- end -}}
{{- end -}}

{{- define "initshim.hasPolicy" -}}
{{- if ne .Values.engine "webhook" -}}true{{- end -}}
{{- end -}}

{{- /* A glob as RE2 knows it, as a string of CEL: `*`, `?`, `[a-z]`, `[!a-z]`. */ -}}
{{- define "initshim.glob" -}}
{{- $quoted := regexQuoteMeta . -}}
{{- $quoted = $quoted | replace "\\*" ".*" | replace "\\?" "." -}}
{{- $quoted = regexReplaceAll "\\\\\\[!([A-Za-z0-9_-]+)\\\\\\]" $quoted "[^$1]" -}}
{{- regexReplaceAll "\\\\\\[([A-Za-z0-9_-]+)\\\\\\]" $quoted "[$1]" -}}
{{- end -}}

{{- define "initshim.globs" -}}
{{- $all := list -}}
{{- range . -}}
{{- $all = append $all (include "initshim.glob" .) -}}
{{- end -}}
{{- printf "(?s)^(?:%s)$" (join "|" $all) | toJson -}}
{{- end -}}

{{- /* [ENTRYPOINT, CMD] for the image of the container `c`, as `entrypoints` says; [] for others. */ -}}
{{- define "initshim.knownImages" -}}
{{- if .Values.entrypoints -}}
!has(c.image) || c.image.size() > {{ include "initshim.longestImage" . }} ? [] : [[c.image, {{ include "initshim.normalImage" . }}]].map(names,
{{- range $glob, $known := .Values.entrypoints }}
names.exists(n, n.matches({{ include "initshim.globs" (list $glob) }})) ? [{{ $known.entrypoint | default list | toJson }}, {{ $known.cmd | default list | toJson }}] :
{{- end }} [])[0]
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{- /* Globs that RE2 would read otherwise: what is left of a bracket's class is its quoted bracket. */ -}}
{{- define "initshim.unreadableGlobs" -}}
{{- $found := list -}}
{{- range concat (keys .Values.entrypoints | sortAlpha) (.Values.runtimeClasses | default list) -}}
{{- if contains "\\[" (include "initshim.glob" .) -}}
{{- $found = append $found . -}}
{{- end -}}
{{- end -}}
{{- join ", " $found -}}
{{- end -}}

{{- /* Values that ask for something that only the webhook does. */ -}}
{{- define "initshim.needsWebhook" -}}
{{- $v := .Values -}}
{{- $asked := dict
  "onUnresolved=deny" (eq $v.onUnresolved "deny")
  "registry.warmUp" $v.registry.warmUp
  "registry.pullSecretNamespaces" $v.registry.pullSecretNamespaces
  "registry.dockerConfigSecret" $v.registry.dockerConfigSecret
  "registries" $v.registries
  "events.enabled" $v.events.enabled
  "traces.endpoint" $v.traces.endpoint
  "serviceMonitor.enabled" $v.serviceMonitor.enabled
  "podMonitor.enabled" $v.podMonitor.enabled
  "prometheusRule.enabled" $v.prometheusRule.enabled
  "grafanaDashboard.enabled" $v.grafanaDashboard.enabled
-}}
{{- $found := list -}}
{{- range $name := keys $asked | sortAlpha -}}
{{- if get $asked $name -}}
{{- $found = append $found $name -}}
{{- end -}}
{{- end -}}
{{- join ", " $found -}}
{{- end -}}
