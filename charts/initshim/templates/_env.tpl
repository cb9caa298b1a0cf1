{{- /* The webhook's settings as environment: field name → value, in the order of the alphabet. */ -}}
{{- define "initshim.settings" -}}
{{- $v := .Values -}}
{{- $files := include "initshim.files" . | fromYaml -}}
{{- if hasKey $files "client-ca.crt" }}
CLIENT_CA_FILE: /etc/initshim/config/client-ca.crt
{{- end }}
DELIVERY: {{ $v.delivery }}
{{- if $v.registry.dockerConfigSecret }}
DOCKER_CONFIG: /etc/initshim/docker
{{- end }}
DRAIN_SECONDS: {{ $v.drainSeconds }}
EVENTS: {{ $v.events.enabled }}
{{- if $v.traces.exemplars }}
EXEMPLARS: true
{{- end }}
{{- if $v.registry.caConfigMap }}
EXTRA_CA_FILE: /etc/initshim/registry-ca/ca.crt
{{- end }}
HTTP_PORT: {{ $v.httpPort }}
{{- if hasKey $files "images.yaml" }}
IMAGES_FILE: /etc/initshim/config/images.yaml
{{- end }}
{{- with $v.initSystems }}
INIT_SYSTEMS: {{ join "," . | quote }}
{{- end }}
LOG_FORMAT: {{ $v.logs.format }}
LOG_LEVEL: {{ $v.logs.level }}
LOOKUPS: {{ $v.registry.lookups }}
NAMESPACE: {{ include "initshim.namespace" . | quote }}
ON_UNRESOLVED: {{ $v.onUnresolved }}
PORT: {{ include "initshim.port" . }}
PULL_SECRETS: {{ include "initshim.readsPullSecrets" . | default "false" }}
REAPER_IMAGE: {{ include "initshim.image" (dict "image" $v.reaperImage "root" .) | quote }}
REAPER_PULL_POLICY: {{ $v.reaperImage.pullPolicy | quote }}
{{- with $v.registry.refusedNetworks }}
REFUSED_NETWORKS: {{ join "," . | quote }}
{{- end }}
{{- if hasKey $files "registries.yaml" }}
REGISTRIES_FILE: /etc/initshim/config/registries.yaml
{{- end }}
RUNTIME_CLASSES: {{ join "," $v.runtimeClasses | quote }}
SERVICE_NAME: {{ include "initshim.fullname" . | quote }}
{{- if eq $v.tls.mode "builtin" }}
TLS: builtin
TLS_SECRET: {{ include "initshim.caSecret" . | quote }}
{{- else }}
TLS: files
TLS_CERT_FILE: /etc/initshim/tls/tls.crt
TLS_KEY_FILE: /etc/initshim/tls/tls.key
{{- end }}
{{- with $v.traces.endpoint }}
TRACES_ENDPOINT: {{ . | quote }}
{{- end }}
WARM_UP: {{ $v.registry.warmUp }}
{{- if $v.registry.warmUp }}
WARM_UP_NAMESPACES: {{ include "initshim.namespaceLabels" . | quote }}
{{- end }}
WEBHOOK_NAME: {{ include "initshim.fullname" . | quote }}
{{- end -}}

{{- /* Names that `env` must not set. */ -}}
{{- define "initshim.ownEnv" -}}
{{- range $name, $_ := include "initshim.settings" . | fromYaml }}
- INITSHIM_{{ $name }}
{{- end }}
{{- end -}}

{{- define "initshim.env" -}}
{{- range $name, $value := include "initshim.settings" . | fromYaml }}
- name: INITSHIM_{{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- range $name, $value := .Values.env }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  value: {{ $value | toString | quote }}
  {{- end }}
{{- end }}
{{- end -}}
