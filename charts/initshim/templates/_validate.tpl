{{- /* Values that contradict each other stop here, each with the sentence that says why. */ -}}
{{- define "initshim.validate" -}}
{{- $v := .Values -}}
{{- $said := list -}}
{{- if and (eq $v.delivery "imageVolume") (semverCompare "<1.35.0-0" .Capabilities.KubeVersion.Version) -}}
{{- $said = append $said (printf "delivery=imageVolume needs Kubernetes 1.35 or newer, where image volumes are on by default; this is %s. Use delivery=initContainer." .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if and (include "initshim.hasPolicy" .) (semverCompare "<1.36.0-0" .Capabilities.KubeVersion.Version) -}}
{{- $said = append $said (printf "engine=%s needs Kubernetes 1.36 or newer, where MutatingAdmissionPolicy is stable; this is %s. Use engine=webhook." $v.engine .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if and (include "initshim.hasPolicy" .) (include "initshim.unreadableGlobs" .) -}}
{{- $said = append $said (printf "engine=%s can't read these globs of entrypoints and runtimeClasses: %s. In brackets it knows letters, digits, - and _; write the others out." $v.engine (include "initshim.unreadableGlobs" .)) -}}
{{- end -}}
{{- if not (include "initshim.hasWebhook" .) -}}
{{- with include "initshim.needsWebhook" . -}}
{{- $said = append $said (printf "engine=policy runs no process, and these values are for one: %s. Take them out, or use engine=both." .) -}}
{{- end -}}
{{- end -}}
{{- if not $v.enabled -}}
{{- $said = append $said "enabled=false is for a chart that has this one as a dependency, with `condition: initshim.enabled`. Here nothing would be left to install." -}}
{{- end -}}
{{- if and $v.serviceMonitor.enabled $v.podMonitor.enabled -}}
{{- $said = append $said "serviceMonitor.enabled and podMonitor.enabled would have every metric read twice. Choose one." -}}
{{- end -}}
{{- $fewest := $v.autoscaling.enabled | default false | ternary $v.autoscaling.minReplicas $v.replicas | int -}}
{{- if and (include "initshim.hasWebhook" .) (eq $v.admission.failurePolicy "Fail") (lt $fewest 2) -}}
{{- $said = append $said "admission.failurePolicy=Fail with one webhook pod stops every new pod whenever that one restarts. Run at least two (replicas, or autoscaling.minReplicas)." -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- $said = append $said "autoscaling.minReplicas is more than autoscaling.maxReplicas. Lower the one or raise the other." -}}
{{- end -}}
{{- if and (eq $v.onUnresolved "deny") (not $v.registry.lookups) (not $v.entrypoints) -}}
{{- $said = append $said "onUnresolved=deny with registry.lookups=false and no entrypoints refuses every pod with a container that gives no command. Fill entrypoints, allow lookups, or admit." -}}
{{- end -}}
{{- if and $v.registry.pullSecretNamespaces (not $v.registry.lookups) -}}
{{- $said = append $said "registry.pullSecretNamespaces lets the webhook read secrets, and registry.lookups=false leaves it no use for them. Empty the one or allow the other." -}}
{{- end -}}
{{- if and (has "*" $v.registry.pullSecretNamespaces) (gt (len $v.registry.pullSecretNamespaces) 1) -}}
{{- $said = append $said "registry.pullSecretNamespaces names \"*\" and namespaces beside it. Use [\"*\"] alone, or names alone." -}}
{{- end -}}
{{- /* Helm applies objects one by one: a namespace that is absent or being deleted would end it with the webhook live. `helm template` looks nothing up. */ -}}
{{- if lookup "v1" "Namespace" "" "kube-system" -}}
{{- range $name, $by := include "initshim.namespacesOf" . | fromYaml -}}
{{- $there := lookup "v1" "Namespace" "" $name -}}
{{- if not $there -}}
{{- $said = append $said (printf "%s names the namespace %s, which is not there. Create it first (kubectl create namespace %s), or take it out." $by $name $name) -}}
{{- else if $there.metadata.deletionTimestamp -}}
{{- $said = append $said (printf "%s names the namespace %s, which is being deleted and takes no object. Wait for its end (kubectl wait --for=delete namespace/%s) and create it again, or take it out." $by $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $v.registry.warmUp (not $v.registry.lookups) -}}
{{- $said = append $said "registry.warmUp reads images from registries, and registry.lookups=false forbids that. Turn one of them round." -}}
{{- end -}}
{{- if and (eq $v.tls.mode "files") (not $v.tls.existingSecret) -}}
{{- $said = append $said "tls.mode=files needs tls.existingSecret: the name of a Secret with tls.crt and tls.key." -}}
{{- end -}}
{{- if and (eq $v.tls.mode "files") (not $v.tls.caBundle) (not $v.admission.annotations) -}}
{{- $said = append $said "tls.mode=files needs tls.caBundle, the CA that the API server is to trust, or an annotation in admission.annotations by which something else puts it there." -}}
{{- end -}}
{{- if and (ne $v.tls.mode "files") (or $v.tls.existingSecret $v.tls.caBundle) -}}
{{- $said = append $said (printf "tls.existingSecret and tls.caBundle are for tls.mode=files and would be ignored with tls.mode=%s. Leave them empty." $v.tls.mode) -}}
{{- end -}}
{{- range $name, $_ := $v.admission.annotations -}}
{{- if and (eq $v.tls.mode "builtin") (hasPrefix "cert-manager.io/inject-" $name) -}}
{{- $said = append $said (printf "admission.annotations has %s, and with tls.mode=builtin cert-manager and the webhook would overwrite each other's caBundle. Take it out, or use tls.mode=certManager or files." $name) -}}
{{- end -}}
{{- end -}}
{{- if and $v.tls.certManager.issuerRef (ne $v.tls.mode "certManager") -}}
{{- $said = append $said (printf "tls.certManager.issuerRef is for tls.mode=certManager and would be ignored with tls.mode=%s." $v.tls.mode) -}}
{{- end -}}
{{- if and $v.tls.certManager.issuerRef (not (dig "name" "" $v.tls.certManager.issuerRef)) -}}
{{- $said = append $said "tls.certManager.issuerRef needs a name. Leave it empty ({}) for a CA made by this chart." -}}
{{- end -}}
{{- if and $v.traces.exemplars (not $v.traces.endpoint) -}}
{{- $said = append $said "traces.exemplars names traces, and without traces.endpoint there are none. Set the one or leave out the other." -}}
{{- end -}}
{{- $port := include "initshim.port" . | int -}}
{{- if eq $port (int $v.httpPort) -}}
{{- $said = append $said (printf "port and httpPort are both %d. TLS and plain HTTP need a port each." $port) -}}
{{- end -}}
{{- if or (lt $port 1024) (lt (int $v.httpPort) 1024) -}}
{{- $said = append $said "port and httpPort must be 1024 or more: the webhook is not root. The Service's own port (service.port) may be lower." -}}
{{- end -}}
{{- if eq (int $v.service.port) (int $v.httpPort) -}}
{{- $said = append $said (printf "service.port and httpPort are both %d, and the Service has both. Change one." (int $v.httpPort)) -}}
{{- end -}}
{{- if and $v.hostNetwork (eq $port 10250) -}}
{{- $said = append $said "hostNetwork=true with port 10250 collides with the kubelet, which listens there on every node. Choose another port." -}}
{{- end -}}
{{- if ge (int $v.drainSeconds) (int $v.terminationGracePeriodSeconds) -}}
{{- $said = append $said "drainSeconds must be less than terminationGracePeriodSeconds, or the pod is killed while it drains." -}}
{{- end -}}
{{- if and (not $v.serviceAccount.create) (not $v.serviceAccount.name) -}}
{{- $said = append $said "serviceAccount.create=false needs serviceAccount.name: the chart gives no rights to the namespace's default account." -}}
{{- end -}}
{{- range $name, $_ := $v.env -}}
{{- if has $name (include "initshim.ownEnv" $ | fromYamlArray) -}}
{{- $said = append $said (printf "env.%s is set by the chart itself. Use the value that it comes from." $name) -}}
{{- end -}}
{{- end -}}
{{- with $said -}}
{{- fail (printf "\n\n%s\n" (join "\n" .)) -}}
{{- end -}}
{{- end -}}

{{- /* The namespaces that values name and nothing here makes, each with the value that names it. */ -}}
{{- define "initshim.namespacesOf" -}}
{{- $named := dict -}}
{{- $made := list .Release.Namespace -}}
{{- range .Values.extraObjects -}}
{{- range regexSplit "(?m)^---" (tpl (kindIs "string" . | ternary . (toYaml .)) $) -1 -}}
{{- $object := fromYaml . -}}
{{- if eq (dig "kind" "" $object) "Namespace" -}}
{{- $made = append $made (dig "metadata" "name" "" $object) -}}
{{- else -}}
{{- with dig "metadata" "namespace" "" $object -}}
{{- $_ := set $named . "extraObjects" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range without (.Values.registry.pullSecretNamespaces | default list) "*" -}}
{{- $_ := set $named . "registry.pullSecretNamespaces" -}}
{{- end -}}
{{- with .Values.namespaceOverride -}}
{{- $_ := set $named . "namespaceOverride" -}}
{{- end -}}
{{- range $made -}}
{{- $_ := unset $named . -}}
{{- end -}}
{{- toYaml $named -}}
{{- end -}}
