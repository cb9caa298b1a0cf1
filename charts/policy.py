"""The chart's templates of the admission policy: `webhook.core.cel` with Helm's values in it."""  # noqa: INP001  # beside a script

from textwrap import dedent, indent

from webhook.core import image
from webhook.core.annotations import INJECT, OFF, ON
from webhook.core.cel import images, operations, policy
from webhook.core.cel.containers import Rules
from webhook.core.cel.literals import Code, literal
from webhook.core.cel.operations import Delivery
from webhook.core.reasons import Reason

NAME = "mutatingadmissionpolicy.yaml"
HELPERS = "_cel.tpl"
_HEAD = "{{- /* Written by `make docs` from webhook/core/cel: change that. */ -}}\n"

RULES = Rules(
    runtime_classes=Code('{{ include "initshim.globs" .Values.runtimeClasses }}'),
    init_systems=Code("{{ toJson .Values.initSystems }}"),
    images=Code('{{ include "initshim.knownImages" . | replace "\\n" " " }}'),
    unknown=Code('{{ include "initshim.unknownReason" . | toJson }}'),
)
DELIVERY = Delivery(
    image=Code(
        '{{ include "initshim.image" (dict "root" . "image" .Values.reaperImage) | toJson }}'
    ),
    version=Code("{{ toJson .Chart.AppVersion }}"),
    pull_policy=Code("{{ toJson .Values.reaperImage.pullPolicy }}"),
    as_volume=Code('{{ eq .Values.delivery "imageVolume" }}'),
)

_POLICY = """\
{{{{- include "initshim.validate" . -}}}}
{{{{- if include "initshim.hasPolicy" . -}}}}
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata:
  name: {{{{ include "initshim.fullname" . }}}}
  labels:
    {{{{- include "initshim.labels" . | nindent 4 }}}}
  {{{{- with include "initshim.annotations" (dict "root" .) }}}}
  {{{{- . | nindent 2 }}}}
  {{{{- end }}}}
spec:
  failurePolicy: {{{{ .Values.admission.failurePolicy }}}}
  reinvocationPolicy: {{{{ .Values.admission.reinvocationPolicy }}}}
  matchConstraints:
    matchPolicy: Equivalent
    namespaceSelector:
      {{{{- include "initshim.namespaceSelector" . | trim | nindent 6 }}}}
    {{{{- with .Values.admission.objectSelector }}}}
    objectSelector:
      {{{{- toYaml . | nindent 6 }}}}
    {{{{- end }}}}
    resourceRules:
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [CREATE]
        resources: [pods]
        scope: Namespaced
  matchConditions:
    {{{{- with include "initshim.platformConditions" . }}}}
    {{{{- trim . | nindent 4 }}}}
    {{{{- end }}}}
{conditions}
  variables:
{variables}
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: |-
{operations}
{{{{- end }}}}
"""

_HELPERS = """\
{{{{- define "initshim.unaskedConditions" -}}}}
{unasked}
{{{{- end -}}}}

{{{{- define "initshim.leftToWebhook" -}}}}
{left}
{{{{- end -}}}}

{{{{- /* Why a container is left alone of which nothing says what it runs. */ -}}}}
{{{{- define "initshim.unknownReason" -}}}}
{{{{- if and (include "initshim.hasWebhook" .) .Values.registry.lookups -}}}}
{later}
{{{{- else -}}}}
{never}
{{{{- end -}}}}
{{{{- end -}}}}

{{{{- define "initshim.injectLabel" -}}}}
{label}
{{{{- end -}}}}

{{{{- define "initshim.onValues" -}}}}
{on}
{{{{- end -}}}}

{{{{- define "initshim.offValues" -}}}}
{off}
{{{{- end -}}}}

{{{{- define "initshim.normalImage" -}}}}
{normal}
{{{{- end -}}}}

{{{{- define "initshim.longestImage" -}}}}
{longest}
{{{{- end -}}}}
"""


def templates() -> dict[str, str]:
    """Give the templates, by their files' names."""
    return {
        NAME: _HEAD
        + _POLICY.format(
            conditions=_listed(policy.conditions(RULES)),
            variables=_listed(policy.variables(RULES, DELIVERY)),
            operations=indent(operations.operations(DELIVERY), " " * 10),
        ),
        HELPERS: _HEAD
        + _HELPERS.format(
            unasked=dedent(_listed(policy.unasked())),
            left=policy.left_to_webhook(RULES),
            later=Reason.LEFT_TO_WEBHOOK,
            never=Reason.LOOKUP_OFF,
            label=INJECT,
            on=literal(ON),
            off=literal(OFF),
            normal=images.normal("c.image"),
            longest=image.LONGEST,
        ),
    }


def _listed(named: policy.Named) -> str:
    return "\n".join(
        f"    - name: {name}\n      expression: |-\n{indent(code, ' ' * 8)}"
        for name, code in named.items()
    )
