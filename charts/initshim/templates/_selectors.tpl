{{- /* Which namespaces and which pods the API server asks the webhook about. */ -}}

{{- define "initshim.namespaceSelector" -}}
{{- $left := concat (list "kube-system" "kube-node-lease" (include "initshim.namespace" .)) .Values.excludeNamespaces | uniq -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: {{ toJson $left }}
  {{- if eq .Values.mode "optOut" }}
  - key: initshim.dev/inject
    operator: NotIn
    values: ["disabled", "false"]
  {{- else }}
  - key: initshim.dev/inject
    operator: In
    values: ["enabled", "true"]
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
decides again by itself: an API server older than 1.28 knows no conditions. `has` everywhere: an
expression that fails counts as failurePolicy says.
*/ -}}
{{- define "initshim.matchConditions" -}}
- name: not-opted-out
  expression: >-
    !(has(object.metadata.annotations) && 'initshim.dev/inject' in object.metadata.annotations
    && object.metadata.annotations['initshim.dev/inject'] in ['false', 'disabled'])
    && !(has(object.metadata.labels) && 'initshim.dev/inject' in object.metadata.labels
    && object.metadata.labels['initshim.dev/inject'] in ['false', 'disabled'])
- name: not-mirror
  expression: >-
    !(has(object.metadata.annotations)
    && 'kubernetes.io/config.mirror' in object.metadata.annotations)
- name: not-windows
  expression: >-
    !(has(object.spec.os) && has(object.spec.os.name) && object.spec.os.name == 'windows')
    && !(has(object.spec.nodeSelector) && ('node.kubernetes.io/windows-build' in object.spec.nodeSelector
    || ['kubernetes.io/os', 'beta.kubernetes.io/os'].exists(label, label in object.spec.nodeSelector
    && object.spec.nodeSelector[label] == 'windows')))
- name: not-host-pid
  expression: >-
    !(has(object.spec.hostPID) && object.spec.hostPID)
- name: not-shared-process-namespace
  expression: >-
    !(has(object.spec.shareProcessNamespace) && object.spec.shareProcessNamespace)
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
