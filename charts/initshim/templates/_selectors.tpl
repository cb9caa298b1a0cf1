{{- /* Which namespaces and which pods the API server asks the webhook about. */ -}}

{{- define "initshim.namespaceSelector" -}}
{{- $left := concat (list "kube-system" "kube-node-lease" (include "initshim.namespace" .)) (.Values.excludeNamespaces | default list) | uniq -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: {{ toJson $left }}
  {{- if eq .Values.mode "optOut" }}
  - key: {{ include "initshim.injectLabel" . }}
    operator: NotIn
    values: {{ include "initshim.offValues" . }}
  {{- else }}
  - key: {{ include "initshim.injectLabel" . }}
    operator: In
    values: {{ include "initshim.onValues" . }}
  {{- end }}
  {{- /* What AKS's admissions enforcer would add: with it here, there is nothing to rewrite. */}}
  {{- if eq .Values.platform "aks" }}
  - key: control-plane
    operator: NotIn
    values: ["true"]
  - key: kubernetes.azure.com/managedby
    operator: NotIn
    values: [aks]
  {{- end }}
  {{- if eq .Values.platform "openshift" }}
  - key: openshift.io/run-level
    operator: NotIn
    values: ["0", "1"]
  {{- end }}
  {{- with .Values.namespaceMatchExpressions }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* The same namespaces as a label selector in one line, as `kubectl get -l` takes it. */ -}}
{{- define "initshim.namespaceLabels" -}}
{{- $said := list -}}
{{- range (include "initshim.namespaceSelector" . | fromYaml).matchExpressions -}}
{{- if eq .operator "Exists" -}}
{{- $said = append $said .key -}}
{{- else if eq .operator "DoesNotExist" -}}
{{- $said = append $said (printf "!%s" .key) -}}
{{- else -}}
{{- $said = append $said (printf "%s %s (%s)" .key (lower .operator) (join "," .values)) -}}
{{- end -}}
{{- end -}}
{{- join "," $said -}}
{{- end -}}

{{- /*
Pods that the webhook would leave alone anyway, dropped before they cost a call. The webhook
decides again by itself: an API server older than 1.28 knows no conditions.
*/ -}}
{{- define "initshim.matchConditions" -}}
{{ include "initshim.unaskedConditions" . }}
{{ include "initshim.platformConditions" . }}
{{- if eq .Values.engine "both" }}
- name: left-to-the-webhook
  expression: |-
    {{- include "initshim.leftToWebhook" . | nindent 4 }}
{{- end }}
{{- end -}}

{{- /* Namespaces of the platform's own that a selector can't name. */ -}}
{{- define "initshim.platformConditions" -}}
{{- if eq .Values.platform "gke" }}
- name: not-gke-system
  expression: >-
    !request.namespace.startsWith('gke-')
{{- end }}
{{- if eq .Values.platform "openshift" }}
- name: not-openshift-system
  expression: >-
    !request.namespace.startsWith('openshift-')
{{- end }}
{{- end -}}

{{- define "initshim.webhookAnnotations" -}}
{{- if eq .Values.platform "aks" }}
admissions.enforcer/disabled: "true"
{{- end }}
{{- if eq .Values.tls.mode "certManager" }}
cert-manager.io/inject-ca-from: {{ include "initshim.namespace" . }}/{{ include "initshim.fullname" . }}
{{- end }}
{{- with .Values.admission.annotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}
