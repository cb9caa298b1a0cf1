{{- /* Names, labels and the few facts that more than one template needs. */ -}}

{{- define "initshim.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* 50 and the longest suffix, -pull-secrets, make 63: the limit of a Service's name. */ -}}
{{- define "initshim.fullname" -}}
{{- $name := include "initshim.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "initshim.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{- define "initshim.selectorLabels" -}}
app.kubernetes.io/name: {{ include "initshim.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end -}}

{{- define "initshim.labels" -}}
{{ include "initshim.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Annotations that every object has, and those of one: `mine` goes first. */ -}}
{{- define "initshim.annotations" -}}
{{- with mergeOverwrite (deepCopy (.root.Values.commonAnnotations | default dict)) (.mine | default dict) -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{- /* Pull secrets of the webhook's pods: the chart's, and a parent chart's (names, or {name: …}). */ -}}
{{- define "initshim.imagePullSecrets" -}}
{{- $named := list -}}
{{- range concat (.Values.imagePullSecrets | default list) (.Values.global.imagePullSecrets | default list) -}}
{{- $named = append $named (dict "name" (kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name"))) -}}
{{- end -}}
{{- with $named | uniq -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{- define "initshim.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "initshim.fullname" .) -}}
{{- end -}}

{{- define "initshim.priorityClassName" -}}
{{- if or .Values.priorityClass.create .Values.priorityClass.name -}}
{{- .Values.priorityClass.name | default (include "initshim.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- /* An image reference out of {registry, repository, tag, digest}; a parent chart's registry goes first. */ -}}
{{- define "initshim.image" -}}
{{- $path := list (.root.Values.global.imageRegistry | default .image.registry) .image.repository | compact | join "/" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $path .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $path (.image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* GKE's private clusters let the API server reach nodes and pods on 443 and 10250 only. */ -}}
{{- define "initshim.port" -}}
{{- .Values.port | default (eq .Values.platform "gke" | ternary 10250 8443) -}}
{{- end -}}

{{- /* A name for each mode: Helm must not delete the one's Secret while the other's fills. */ -}}
{{- define "initshim.caSecret" -}}
{{- include "initshim.fullname" . }}-{{ eq .Values.tls.mode "builtin" | ternary "ca" "issuer-ca" }}
{{- end -}}

{{- /* The Secret that holds tls.crt and tls.key; empty where the webhook makes its own. */ -}}
{{- define "initshim.tlsSecret" -}}
{{- if eq .Values.tls.mode "certManager" -}}
{{- include "initshim.fullname" . }}-tls
{{- else if eq .Values.tls.mode "files" -}}
{{- .Values.tls.existingSecret -}}
{{- end -}}
{{- end -}}

{{- define "initshim.readsPullSecrets" -}}
{{- if .Values.registry.pullSecretNamespaces -}}true{{- end -}}
{{- end -}}

{{- /* Is there an admission policy on what the webhook may change? GA, and on, from 1.30. */ -}}
{{- define "initshim.hasCaBundlePolicy" -}}
{{- if and (include "initshim.hasWebhook" .) (eq .Values.tls.mode "builtin") .Values.rbac.caBundlePolicy (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) -}}
true
{{- end -}}
{{- end -}}

{{- /* Does the webhook call the API server at all? */ -}}
{{- define "initshim.callsApi" -}}
{{- if or (eq .Values.tls.mode "builtin") (include "initshim.readsPullSecrets" .) .Values.registry.warmUp .Values.events.enabled (eq .Values.delivery "auto") -}}
true
{{- end -}}
{{- end -}}

{{- /* The files of the ConfigMap, name → text; empty where there are none. */ -}}
{{- define "initshim.files" -}}
{{- with .Values.admission.clientCA }}
client-ca.crt: |
  {{- . | trim | nindent 2 }}
{{- end }}
{{- with .Values.entrypoints }}
images.yaml: |
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.registries }}
registries.yaml: |
  {{- (kindIs "string" . | ternary . (toYaml .)) | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "initshim.subject" -}}
kind: ServiceAccount
name: {{ include "initshim.serviceAccountName" . }}
namespace: {{ include "initshim.namespace" . }}
{{- end -}}

{{- /* What reading a pod's registry credentials takes: its pull secrets, and those of its
service account, each by name. */ -}}
{{- define "initshim.pullSecretRules" -}}
- apiGroups: [""]
  resources: [secrets, serviceaccounts]
  verbs: [get]
{{- end -}}

{{- /* How a ServiceMonitor or PodMonitor has metrics read. */ -}}
{{- define "initshim.scrape" -}}
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Where an alert's section of the runbook is. */ -}}
{{- define "initshim.runbook" -}}
https://github.com/initshim/initshim/blob/main/docs/runbook.md#{{ . }}
{{- end -}}
