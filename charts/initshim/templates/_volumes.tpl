{{- /* What a webhook pod mounts; each volume here has its mount below, under the same condition. */ -}}
{{- define "initshim.volumes" -}}
{{- if include "initshim.files" . }}
- name: config
  configMap:
    name: {{ include "initshim.fullname" . }}
{{- end }}
{{- with include "initshim.tlsSecret" . }}
- name: tls
  secret:
    secretName: {{ . }}
{{- end }}
{{- with .Values.registry.dockerConfigSecret }}
- name: docker
  secret:
    secretName: {{ . }}
    items:
      - key: .dockerconfigjson
        path: config.json
# The credential helpers that it may name are programs, and write where programs do.
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 16Mi
{{- end }}
{{- with .Values.registry.credentialsSecret }}
- name: credentials
  secret:
    secretName: {{ . }}
{{- end }}
{{- with .Values.registry.caConfigMap }}
- name: registry-ca
  configMap:
    name: {{ . }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Whole directories, never subPath: the kubelet renews only whole volumes. */ -}}
{{- define "initshim.mounts" -}}
{{- if include "initshim.files" . }}
- name: config
  mountPath: /etc/initshim/config
  readOnly: true
{{- end }}
{{- if include "initshim.tlsSecret" . }}
- name: tls
  mountPath: /etc/initshim/tls
  readOnly: true
{{- end }}
{{- if .Values.registry.dockerConfigSecret }}
- name: docker
  mountPath: /etc/initshim/docker
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- end }}
{{- if .Values.registry.credentialsSecret }}
- name: credentials
  mountPath: /etc/initshim/credentials
  readOnly: true
{{- end }}
{{- if .Values.registry.caConfigMap }}
- name: registry-ca
  mountPath: /etc/initshim/registry-ca
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}
