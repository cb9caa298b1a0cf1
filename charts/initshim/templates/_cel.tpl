{{- /* Written by `make docs` from webhook/core/cel: change that. */ -}}
{{- define "initshim.unaskedConditions" -}}
- name: not-opted-out
  expression: |-
    !(("initshim.dev/inject" in (has(object.metadata.annotations) ? object.metadata.annotations : {}) && (has(object.metadata.annotations) ? object.metadata.annotations : {})["initshim.dev/inject"] in ["disabled", "false"])
    || ("initshim.dev/inject" in (has(object.metadata.labels) ? object.metadata.labels : {}) && (has(object.metadata.labels) ? object.metadata.labels : {})["initshim.dev/inject"] in ["disabled", "false"]))
- name: not-windows
  expression: |-
    !(((has(object.spec.os) && has(object.spec.os.name) ? object.spec.os.name : "") == "windows")
    || ("node.kubernetes.io/windows-build" in (has(object.spec.nodeSelector) ? object.spec.nodeSelector : {}))
    || (["kubernetes.io/os", "beta.kubernetes.io/os"].exists(k, k in (has(object.spec.nodeSelector) ? object.spec.nodeSelector : {}) && (has(object.spec.nodeSelector) ? object.spec.nodeSelector : {})[k] == "windows"))
    || ([(has(object.spec.affinity) && has(object.spec.affinity.nodeAffinity) && has(object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution) && has(object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms) ? object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms : []).filter(t, (has(t.matchExpressions) ? t.matchExpressions : []).size() > 0 || (has(t.matchFields) ? t.matchFields : []).size() > 0)].exists(all, all.size() > 0 && all.all(t, (has(t.matchExpressions) ? t.matchExpressions : []).exists(r, r.key == "node.kubernetes.io/windows-build" ? r.operator in ["In", "Exists", "Gt", "Lt"] : r.key in ["kubernetes.io/os", "beta.kubernetes.io/os"] && ((r.operator == "In" && (has(r.values) ? r.values : []).size() > 0 && (has(r.values) ? r.values : []).all(v, v == "windows")) || (r.operator == "NotIn" && "linux" in (has(r.values) ? r.values : [])))))))
    || ((has(object.spec.securityContext) && has(object.spec.securityContext.windowsOptions) && has(object.spec.securityContext.windowsOptions.hostProcess) ? object.spec.securityContext.windowsOptions.hostProcess : false))
    || ((object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])).exists(c, (has(c.securityContext) && has(c.securityContext.windowsOptions) && has(c.securityContext.windowsOptions.hostProcess) ? c.securityContext.windowsOptions.hostProcess : false))))
- name: not-host-pid
  expression: |-
    !((has(object.spec.hostPID) ? object.spec.hostPID : false))
- name: not-shared-process-namespace
  expression: |-
    !((has(object.spec.shareProcessNamespace) ? object.spec.shareProcessNamespace : false))
- name: not-mirror-pod
  expression: |-
    !("kubernetes.io/config.mirror" in (has(object.metadata.annotations) ? object.metadata.annotations : {}))
{{- end -}}

{{- define "initshim.leftToWebhook" -}}
(object.spec.containers.exists(c, c.name == "initshim")
|| (object.spec.?initContainers.orValue([]).exists(c, c.name == "initshim" && !(c.name == "initshim" && "--install" in (c.?command.orValue([]) + c.?args.orValue([])))))
|| (object.spec.?volumes.orValue([]).exists(v, v.name == "initshim" && !(v.name == "initshim" && (v.?emptyDir.?medium.orValue("") == "Memory" || v.?image.?reference.orValue("") != "")))))
|| (!((object.metadata.?annotations.orValue({}).all(k, !k.startsWith("initshim.dev/") || k in ["initshim.dev/inject", "initshim.dev/exclude-containers", "initshim.dev/include-init-containers", "initshim.dev/options", "initshim.dev/status"] || k.startsWith("initshim.dev/entrypoint.") && object.metadata.?annotations.orValue({})[k].matches("^[ \\t\\r\\n]*\\[[ \\t\\r\\n]*\"[^\"\\\\\\x00-\\x1f]*\"(?:[ \\t\\r\\n]*,[ \\t\\r\\n]*\"[^\"\\\\\\x00-\\x1f]*\")*[ \\t\\r\\n]*\\][ \\t\\r\\n]*$") && object.metadata.?annotations.orValue({})[k].findAll("\"[^\"\\\\\\x00-\\x1f]*\"").size() <= 512))
&& object.metadata.?annotations.orValue({})[?"initshim.dev/inject"].orValue("enabled") in ["enabled", "true", "disabled", "false"]
&& object.metadata.?labels.orValue({})[?"initshim.dev/inject"].orValue("enabled") in ["enabled", "true", "disabled", "false"]
&& object.metadata.?annotations.orValue({})[?"initshim.dev/include-init-containers"].orValue("enabled") in ["enabled", "true", "disabled", "false"]
&& object.metadata.?annotations.orValue({})[?"initshim.dev/exclude-containers"].orValue("").matches("^[a-z0-9, -]*$")
&& object.metadata.?annotations.orValue({})[?"initshim.dev/options"].orValue("").size() <= 1024
&& object.metadata.?annotations.orValue({})[?"initshim.dev/options"].orValue("").split(" ").filter(w, w != "").size() <= 64
&& object.metadata.?annotations.orValue({})[?"initshim.dev/options"].orValue("").matches("^[ -~]*$")
&& object.metadata.?annotations.orValue({})[?"initshim.dev/options"].orValue("").matches("^ *(?:(?:-[gaskv]+|--kill-group|--all|(?:--expect-exit(?:=| +)|-[gaskv]*e *)(?:255|[1-9][0-9]{0,1}|0|[1-1][0-9]{2}|2[0-4][0-9]{1}|25[0-4][0-9]{0})|(?:--rewrite(?:=| +)|-[gaskv]*r *)(?:(?i:SIG)?(?i:HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|KILL|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|XCPU|XFSZ|VTALRM|PROF|WINCH|IO|PWR|SYS|RTMIN|RTMAX|RTMIN\\+(?:30|[1-9][0-9]{0,0}|0|[1-2][0-9]{1})|RTMAX-(?:30|[1-9][0-9]{0,0}|0|[1-2][0-9]{1}))|[1-9]|[1-5][0-9]|6[0-4]):(?:0|(?:(?i:SIG)?(?i:HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|KILL|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|XCPU|XFSZ|VTALRM|PROF|WINCH|IO|PWR|SYS|RTMIN|RTMAX|RTMIN\\+(?:30|[1-9][0-9]{0,0}|0|[1-2][0-9]{1})|RTMAX-(?:30|[1-9][0-9]{0,0}|0|[1-2][0-9]{1}))|[1-9]|[1-5][0-9]|6[0-4]))|(?:--linger(?:=| +)|-[gaskv]*l *)(?:1000000|[1-9][0-9]{0,5}|0)|(?:--parent-death(?:=| +)|-[gaskv]*p *)(?:(?i:SIG)?(?i:HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|KILL|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|XCPU|XFSZ|VTALRM|PROF|WINCH|IO|PWR|SYS|RTMIN|RTMAX|RTMIN\\+(?:30|[1-9][0-9]{0,0}|0|[1-2][0-9]{1})|RTMAX-(?:30|[1-9][0-9]{0,0}|0|[1-2][0-9]{1}))|[1-9]|[1-5][0-9]|6[0-4])|--subreaper|--keep-user|--verbose)(?: +|$))*$")))
|| (!((object.spec.containers + object.spec.?initContainers.orValue([])).size() <= 64
&& object.spec.?volumes.orValue([]).size() <= 512
&& (object.spec.containers + object.spec.?initContainers.orValue([])).map(c, c.?volumeMounts.orValue([])).flatten().size() <= 512
&& (object.spec.containers + object.spec.?initContainers.orValue([])).map(c, c.?command.orValue([]) + c.?args.orValue([])).flatten().size() <= 2048
&& (object.spec.containers + object.spec.?initContainers.orValue([])).map(c, (c.?command.orValue([]) + c.?args.orValue([])).join("")).join("").size() <= 32768))
|| (!((object.spec.containers + object.spec.?initContainers.orValue([])).all(c, c.name.matches("^[a-z0-9-]{1,63}$")
&& c.?volumeMounts.orValue([]).all(m, m.mountPath.size() <= 4096 && !m.mountPath.matches("(?:^|/)\\.\\.(?:/|$)"))
&& c.?volumeDevices.orValue([]).all(d, d.devicePath.size() <= 4096 && !d.devicePath.matches("(?:^|/)\\.\\.(?:/|$)")))))
|| (!((object.spec.containers.all(c, ((c.?command.orValue([]).size() > 0 && c.command[0] == "/.initshim/init") && c.?volumeMounts.orValue([]).exists(m, (m.name == "initshim" && m.mountPath.matches("^(?:\\.?/)*\\.initshim(?:/\\.?)*$")))
&& (object.spec.?volumes.orValue([]).exists(v, (v.name == "initshim" && (v.?emptyDir.?medium.orValue("") == "Memory" || v.?image.?reference.orValue("") != ""))))
&& ((object.spec.?initContainers.orValue([]).exists(c, (c.name == "initshim" && "--install" in (c.?command.orValue([]) + c.?args.orValue([])))))
|| (object.spec.?volumes.orValue([]).exists(v, v.name == "initshim" && v.?image.?reference.orValue("") != ""))))
|| c.name in object.metadata.?annotations.orValue({})[?"initshim.dev/exclude-containers"].orValue("").split(",").map(w, w.trim()).filter(w, w != "")
|| (c.?command.orValue([]).size() > 0 && !(c.?volumeMounts.orValue([]).exists(m, m.mountPath.matches("^(?:\\.?/)*\\.initshim(?:/|$)") && !(m.name == "initshim" && m.mountPath.matches("^(?:\\.?/)*\\.initshim(?:/\\.?)*$"))) || c.?volumeDevices.orValue([]).exists(d, d.devicePath.matches("^(?:\\.?/)*\\.initshim(?:/|$)")))
&& [c.command + c.?args.orValue([])].all(a, (a.size() == 0 ? "no-command"
: a[0] == "/.initshim/init" ? "has-init"
: ![a.join("\n")].map(t, t.size() > 8192 ? t.substring(0, 8192) + t.substring(t.size() - 8192) : t).exists(t, (["init", "tini", "systemd", "runit", "s6-", "k3s", "rke2", "pid1", "catatonit", "linuxrc"] + {{ toJson .Values.initSystems }}).exists(h, t.contains(h))) ? "wrapped"
: a[0].substring(a[0].lastIndexOf("/") + 1) in ["ash", "bash", "busybox", "busybox.static", "chpst", "chroot", "chrt", "command", "dash", "doas", "env", "exec", "fish", "gosu", "ionice", "ksh", "linux32", "linux64", "lksh", "mksh", "nice", "nohup", "numactl", "prlimit", "rbash", "runuser", "s6-setuidgid", "setarch", "setpriv", "setsid", "setuidgid", "sh", "stdbuf", "su", "su-exec", "sudo", "taskset", "timeout", "toybox", "unshare", "with-contenv", "yash", "zsh"]
  ? (a.join("\n").matches("[A-Za-z0-9_./-]['\"\\\\]+[A-Za-z0-9_./-]") || a.join("\n").matches("(?:^|[^A-Za-z0-9_./-]|/)(?:tini(-static|-muslc)?(-(amd64|arm64|armel|armhf|i386|ppc64el|ppc64le|riscv64|s390x))?|dumb-init(_[0-9.]+_[a-z0-9_]+)?|catatonit(\\.[a-z0-9_]+)?|(docker|podman)-init|pid1|my_init|initshim-init|s6-overlay-suexec|s6-linux-init|s6-svscan|systemd|runit|runit-init|openrc-init|busybox|k3s|rke2)(?:[^A-Za-z0-9_./-]|$)|(?:^|[^A-Za-z0-9_./-])(?:/bin/init|/init|/linuxrc|/s6-init|/sbin/init|/usr/bin/init|/usr/local/bin/init|/usr/local/sbin/init|/usr/sbin/init)(?:[^A-Za-z0-9_./-]|$)")
    || {{ toJson .Values.initSystems }}.exists(h, a.join("\n").contains(h)) ? "left-to-webhook" : "wrapped")
: a[0].substring(a[0].lastIndexOf("/") + 1).matches("^(?:tini(-static|-muslc)?(-(amd64|arm64|armel|armhf|i386|ppc64el|ppc64le|riscv64|s390x))?|dumb-init(_[0-9.]+_[a-z0-9_]+)?|catatonit(\\.[a-z0-9_]+)?|(docker|podman)-init|pid1|my_init|initshim-init)$") ? "has-init"
: (a[0] in ["/bin/init", "/init", "/linuxrc", "/s6-init", "/sbin/init", "/usr/bin/init", "/usr/local/bin/init", "/usr/local/sbin/init", "/usr/sbin/init"] || (a[0].startsWith("/") && a[0] in {{ toJson .Values.initSystems }}) || (a[0].substring(a[0].lastIndexOf("/") + 1) == "busybox" ? 0 + 1 < a.size() && a[0 + 1] in ["init", "linuxrc"] : a[0].substring(a[0].lastIndexOf("/") + 1) == "k3s" ? 0 + 1 < a.size() && a[0 + 1] in ["server", "agent"] : a[0].substring(a[0].lastIndexOf("/") + 1) == "rke2" ? 0 + 1 < a.size() && a[0 + 1] in ["server", "agent"] : (a[0].substring(a[0].lastIndexOf("/") + 1).matches("^(?:s6-overlay-suexec|s6-linux-init|s6-svscan|systemd|runit|runit-init|openrc-init)$") || a[0].substring(a[0].lastIndexOf("/") + 1) in {{ toJson .Values.initSystems }}))) ? "needs-pid-1"
: a[0].substring(a[0].lastIndexOf("/") + 1) in ["[", "[[", "apk", "apt", "apt-get", "basename", "cat", "chmod", "chown", "cmp", "cp", "diff", "dirname", "dnf", "dpkg", "echo", "file", "find", "grep", "hash", "head", "journalctl", "kill", "killall", "ldd", "ln", "ls", "md5sum", "microdnf", "mkdir", "mv", "pgrep", "pidof", "pip", "pip3", "pkill", "printf", "ps", "readlink", "realpath", "rm", "rpm", "sed", "service", "sha256sum", "stat", "systemctl", "tail", "test", "touch", "type", "wc", "whereis", "which", "yum", "zypper"] ? "wrapped"
: a.exists(at, w, at > 0 && (w in ["/bin/init", "/init", "/linuxrc", "/s6-init", "/sbin/init", "/usr/bin/init", "/usr/local/bin/init", "/usr/local/sbin/init", "/usr/sbin/init"] || (w.startsWith("/") && w in {{ toJson .Values.initSystems }}) || (w.substring(w.lastIndexOf("/") + 1) == "busybox" ? at + 1 < a.size() && a[at + 1] in ["init", "linuxrc"] : w.substring(w.lastIndexOf("/") + 1) == "k3s" ? at + 1 < a.size() && a[at + 1] in ["server", "agent"] : w.substring(w.lastIndexOf("/") + 1) == "rke2" ? at + 1 < a.size() && a[at + 1] in ["server", "agent"] : (w.substring(w.lastIndexOf("/") + 1).matches("^(?:s6-overlay-suexec|s6-linux-init|s6-svscan|systemd|runit|runit-init|openrc-init)$") || w.substring(w.lastIndexOf("/") + 1) in {{ toJson .Values.initSystems }}) && (w.contains("/") ? w.matches("^(.*/)?(bin|sbin|libexec|command|systemd)/(?:s6-overlay-suexec|s6-linux-init|s6-svscan|systemd|runit|runit-init|openrc-init)$") || w.substring(w.lastIndexOf("/") + 1) in {{ toJson .Values.initSystems }} : !a[at - 1].startsWith("-") || a[at - 1] == "--")))) ? "needs-pid-1"
: "wrapped")
in ["has-init", "needs-pid-1"]))))
&& (object.spec.?initContainers.orValue([]).all(c, (c.name == "initshim" && "--install" in (c.?command.orValue([]) + c.?args.orValue([])))
|| c.?restartPolicy.orValue("") != "Always" && !(object.metadata.?annotations.orValue({})[?"initshim.dev/include-init-containers"].orValue("") in ["enabled", "true"])
|| ((c.?command.orValue([]).size() > 0 && c.command[0] == "/.initshim/init") && c.?volumeMounts.orValue([]).exists(m, (m.name == "initshim" && m.mountPath.matches("^(?:\\.?/)*\\.initshim(?:/\\.?)*$")))
&& (object.spec.?volumes.orValue([]).exists(v, (v.name == "initshim" && (v.?emptyDir.?medium.orValue("") == "Memory" || v.?image.?reference.orValue("") != ""))))
&& ((object.spec.?initContainers.orValue([]).exists(c, (c.name == "initshim" && "--install" in (c.?command.orValue([]) + c.?args.orValue([])))))
|| (object.spec.?volumes.orValue([]).exists(v, v.name == "initshim" && v.?image.?reference.orValue("") != ""))))
|| c.name in object.metadata.?annotations.orValue({})[?"initshim.dev/exclude-containers"].orValue("").split(",").map(w, w.trim()).filter(w, w != "")
|| (c.?command.orValue([]).size() > 0 && !(c.?volumeMounts.orValue([]).exists(m, m.mountPath.matches("^(?:\\.?/)*\\.initshim(?:/|$)") && !(m.name == "initshim" && m.mountPath.matches("^(?:\\.?/)*\\.initshim(?:/\\.?)*$"))) || c.?volumeDevices.orValue([]).exists(d, d.devicePath.matches("^(?:\\.?/)*\\.initshim(?:/|$)")))
&& [c.command + c.?args.orValue([])].all(a, (a.size() == 0 ? "no-command"
: a[0] == "/.initshim/init" ? "has-init"
: ![a.join("\n")].map(t, t.size() > 8192 ? t.substring(0, 8192) + t.substring(t.size() - 8192) : t).exists(t, (["init", "tini", "systemd", "runit", "s6-", "k3s", "rke2", "pid1", "catatonit", "linuxrc"] + {{ toJson .Values.initSystems }}).exists(h, t.contains(h))) ? "wrapped"
: a[0].substring(a[0].lastIndexOf("/") + 1) in ["ash", "bash", "busybox", "busybox.static", "chpst", "chroot", "chrt", "command", "dash", "doas", "env", "exec", "fish", "gosu", "ionice", "ksh", "linux32", "linux64", "lksh", "mksh", "nice", "nohup", "numactl", "prlimit", "rbash", "runuser", "s6-setuidgid", "setarch", "setpriv", "setsid", "setuidgid", "sh", "stdbuf", "su", "su-exec", "sudo", "taskset", "timeout", "toybox", "unshare", "with-contenv", "yash", "zsh"]
  ? (a.join("\n").matches("[A-Za-z0-9_./-]['\"\\\\]+[A-Za-z0-9_./-]") || a.join("\n").matches("(?:^|[^A-Za-z0-9_./-]|/)(?:tini(-static|-muslc)?(-(amd64|arm64|armel|armhf|i386|ppc64el|ppc64le|riscv64|s390x))?|dumb-init(_[0-9.]+_[a-z0-9_]+)?|catatonit(\\.[a-z0-9_]+)?|(docker|podman)-init|pid1|my_init|initshim-init|s6-overlay-suexec|s6-linux-init|s6-svscan|systemd|runit|runit-init|openrc-init|busybox|k3s|rke2)(?:[^A-Za-z0-9_./-]|$)|(?:^|[^A-Za-z0-9_./-])(?:/bin/init|/init|/linuxrc|/s6-init|/sbin/init|/usr/bin/init|/usr/local/bin/init|/usr/local/sbin/init|/usr/sbin/init)(?:[^A-Za-z0-9_./-]|$)")
    || {{ toJson .Values.initSystems }}.exists(h, a.join("\n").contains(h)) ? "left-to-webhook" : "wrapped")
: a[0].substring(a[0].lastIndexOf("/") + 1).matches("^(?:tini(-static|-muslc)?(-(amd64|arm64|armel|armhf|i386|ppc64el|ppc64le|riscv64|s390x))?|dumb-init(_[0-9.]+_[a-z0-9_]+)?|catatonit(\\.[a-z0-9_]+)?|(docker|podman)-init|pid1|my_init|initshim-init)$") ? "has-init"
: (a[0] in ["/bin/init", "/init", "/linuxrc", "/s6-init", "/sbin/init", "/usr/bin/init", "/usr/local/bin/init", "/usr/local/sbin/init", "/usr/sbin/init"] || (a[0].startsWith("/") && a[0] in {{ toJson .Values.initSystems }}) || (a[0].substring(a[0].lastIndexOf("/") + 1) == "busybox" ? 0 + 1 < a.size() && a[0 + 1] in ["init", "linuxrc"] : a[0].substring(a[0].lastIndexOf("/") + 1) == "k3s" ? 0 + 1 < a.size() && a[0 + 1] in ["server", "agent"] : a[0].substring(a[0].lastIndexOf("/") + 1) == "rke2" ? 0 + 1 < a.size() && a[0 + 1] in ["server", "agent"] : (a[0].substring(a[0].lastIndexOf("/") + 1).matches("^(?:s6-overlay-suexec|s6-linux-init|s6-svscan|systemd|runit|runit-init|openrc-init)$") || a[0].substring(a[0].lastIndexOf("/") + 1) in {{ toJson .Values.initSystems }}))) ? "needs-pid-1"
: a[0].substring(a[0].lastIndexOf("/") + 1) in ["[", "[[", "apk", "apt", "apt-get", "basename", "cat", "chmod", "chown", "cmp", "cp", "diff", "dirname", "dnf", "dpkg", "echo", "file", "find", "grep", "hash", "head", "journalctl", "kill", "killall", "ldd", "ln", "ls", "md5sum", "microdnf", "mkdir", "mv", "pgrep", "pidof", "pip", "pip3", "pkill", "printf", "ps", "readlink", "realpath", "rm", "rpm", "sed", "service", "sha256sum", "stat", "systemctl", "tail", "test", "touch", "type", "wc", "whereis", "which", "yum", "zypper"] ? "wrapped"
: a.exists(at, w, at > 0 && (w in ["/bin/init", "/init", "/linuxrc", "/s6-init", "/sbin/init", "/usr/bin/init", "/usr/local/bin/init", "/usr/local/sbin/init", "/usr/sbin/init"] || (w.startsWith("/") && w in {{ toJson .Values.initSystems }}) || (w.substring(w.lastIndexOf("/") + 1) == "busybox" ? at + 1 < a.size() && a[at + 1] in ["init", "linuxrc"] : w.substring(w.lastIndexOf("/") + 1) == "k3s" ? at + 1 < a.size() && a[at + 1] in ["server", "agent"] : w.substring(w.lastIndexOf("/") + 1) == "rke2" ? at + 1 < a.size() && a[at + 1] in ["server", "agent"] : (w.substring(w.lastIndexOf("/") + 1).matches("^(?:s6-overlay-suexec|s6-linux-init|s6-svscan|systemd|runit|runit-init|openrc-init)$") || w.substring(w.lastIndexOf("/") + 1) in {{ toJson .Values.initSystems }}) && (w.contains("/") ? w.matches("^(.*/)?(bin|sbin|libexec|command|systemd)/(?:s6-overlay-suexec|s6-linux-init|s6-svscan|systemd|runit|runit-init|openrc-init)$") || w.substring(w.lastIndexOf("/") + 1) in {{ toJson .Values.initSystems }} : !a[at - 1].startsWith("-") || a[at - 1] == "--")))) ? "needs-pid-1"
: "wrapped")
in ["has-init", "needs-pid-1"]))))))
{{- end -}}

{{- /* Why a container is left alone of which nothing says what it runs. */ -}}
{{- define "initshim.unknownReason" -}}
{{- if and (include "initshim.hasWebhook" .) .Values.registry.lookups -}}
left-to-webhook
{{- else -}}
lookup-off
{{- end -}}
{{- end -}}

{{- define "initshim.injectLabel" -}}
initshim.dev/inject
{{- end -}}

{{- define "initshim.onValues" -}}
["enabled", "true"]
{{- end -}}

{{- define "initshim.offValues" -}}
["disabled", "false"]
{{- end -}}

{{- define "initshim.normalImage" -}}
[c.image].map(n, !n.matches("^(?:(?:(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}))?)$") || n.matches("^[a-f0-9]{64}$") ? n
: [c.image.contains("/") && (c.image.split("/")[0].matches("[.:A-Z]") || c.image.split("/")[0] == "localhost") ? (n.startsWith("index.docker.io/") ? "docker.io/" + n.substring(16) : n) : "docker.io/" + n]
.map(n, n.startsWith("docker.io/") && !n.substring(10).contains("/") ? "docker.io/library/" + n.substring(10) : n)
.map(n, n.substring(n.lastIndexOf("/") + 1).matches("[:@]") ? n : n + ":latest")[0])[0]
{{- end -}}

{{- define "initshim.longestImage" -}}
780
{{- end -}}
