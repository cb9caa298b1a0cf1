"""One error tree; each error says what happened and, where there is one, the next step.

InitshimError
├── BadInput               what somebody gave us can't be read
│   ├── BadReview          the request is no AdmissionReview: HTTP 400
│   ├── BadPod             a pod's field has a type the API server would refuse
│   ├── BadManifest        a manifest is no YAML, or no Kubernetes object
│   │   └── Misplaced      it can't be written where it stands: webhook/cli/manifest/nodes.py
│   ├── BadReference       not an image reference
│   ├── BadAnnotation      an initshim.dev/… annotation that can't be understood
│   └── BadSettings        a setting that can't be used
├── LookupFailed           an image's configuration could not be had; `key` is the reason
│   ├── Unauthorized · NotFound · RateLimited · TimedOut · BadAnswer
│   ├── Unreachable        the registry could not be reached, or may not be
│   │   └── ServerError    it answered that it failed: webhook/oci/failures.py
│   │       └── Outage     and may do better later
│   ├── PlatformsDisagree  the index's platforms run different programs
│   ├── WindowsOnly        the image is for Windows alone
│   └── LookupOff          nobody is allowed to ask this registry
├── Overdue                a tenant's turn did not come in time: webhook/base/loop_time.py
├── PatchFailed            our own patch does not lead to the planned pod
├── KubeError              the API server: webhook/kube/errors.py
│   ├── NoCluster          none is configured, or the configuration can't be used
│   ├── ApiUnreachable     no answer in time, or one that asks to come back later
│   ├── Forbidden          401 or 403: somebody has to grant something
│   ├── Missing            404: the object is not there
│   ├── Conflict           409: somebody else wrote first
│   ├── Refused            another 4xx: the same call will not do better
│   ├── NotStarted         the container's image lacks the program that was to run in it
│   └── BadApiAnswer       too large, or not what the API promises
├── BadCertificate         a certificate or key that can't be used: webhook/tls/pair.py
├── Contended              somebody else wrote the certificates' Secret: webhook/tls/store.py
├── WrongUsage             options that can't go together: webhook/cli/output.py
├── CantWrite              standard output takes no more: webhook/cli/output.py
├── BadCensus              the census wrote what it should not: webhook/cli/leaks/census.py
├── NotCounted             a node could not be looked at: webhook/cli/leaks/by_nodes.py
├── NotDeleted             what was made in the cluster is still there: the same file
├── NotReadable            a container's processes could not be read: webhook/cli/leaks/procfs.py
├── CantRun                the demo's container does not start: webhook/cli/demo/container.py
└── DemoFailed             the demo's webhook said no: webhook/cli/demo/call.py
"""

from typing import ClassVar


class InitshimError(Exception):
    """Base of all errors that initshim raises on purpose.

    The message is a clause, without a full stop: whoever shows it may go on. `next_step` is a
    sentence for the person who reads it, or "".
    """

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


def clause(words: Exception | str) -> str:
    """Give a foreign error's words as a clause of ours; its type's name where it has none."""
    return " ".join(str(words).split()).rstrip(".") or type(words).__name__


class BadInput(InitshimError):
    """What somebody gave us can't be read."""


class BadReview(BadInput):
    """The request's body is no AdmissionReview of admission.k8s.io/v1."""


class BadPod(BadInput):
    """A field of a pod has a type that the API server would refuse."""


class BadManifest(BadInput):
    """A manifest is no YAML, or holds no Kubernetes object; the message names the place."""


class BadReference(BadInput):
    """A string is no image reference."""


class BadAnnotation(BadInput):
    """An initshim.dev/… annotation can't be understood; the message names it."""


class BadSettings(BadInput):
    """A setting can't be used; the message names it."""


class LookupFailed(InitshimError):
    """An image's configuration could not be had. `key` is the reason's public name."""

    key: ClassVar[str]


class Unauthorized(LookupFailed):
    """The registry refused every credential that was tried, and an anonymous caller."""

    key = "unauthorized"


class NotFound(LookupFailed):
    """The registry has no such image, or the reference is none."""

    key = "not-found"


class RateLimited(LookupFailed):
    """The registry asked to be left alone for a while."""

    key = "rate-limited"


class Unreachable(LookupFailed):
    """The registry could not be reached, or may not be."""

    key = "unreachable"


class TimedOut(LookupFailed):
    """The registry did not answer within the review's time."""

    key = "timed-out"


class BadAnswer(LookupFailed):
    """The registry's answer is too large, does not match its digest or makes no sense."""

    key = "bad-answer"


class PlatformsDisagree(LookupFailed):
    """The platforms of an index run different programs and the pod does not choose one."""

    key = "platforms-disagree"


class WindowsOnly(LookupFailed):
    """The image is for Windows alone: there is no PID 1 in its containers."""

    key = "windows"


class LookupOff(LookupFailed):
    """Lookups are switched off, for this registry or altogether."""

    key = "lookup-off"


class Overdue(InitshimError):
    """A tenant asks for more than its part, and its turn did not come in time."""


class PatchFailed(InitshimError):
    """A patch of our own does not lead to the planned pod: a bug; the pod is left alone."""
