"""Patches are checked before they are sent: every new shape of one, by applying it in full."""

from collections import OrderedDict
from operator import itemgetter

from webhook.core import patch
from webhook.core.patch import Patch
from webhook.core.pod import Pod
from webhook.core.policy import Plan
from webhook.core.verification import verify

MOST = 1024
"""Shapes that are remembered; a cluster has some tens of them."""
LARGEST = 64
"""Operations of a patch whose shape is remembered: what a pod of 20 containers needs."""

Shape = tuple[str, ...]
_operation, _path = itemgetter("op"), itemgetter("path")


class Checks:
    """Applies patches of a shape that was not seen for long, and compares what comes of them.

    Whether a patch applies depends on its paths alone, and on the lists and objects that they
    lead to, which are those that they were made from: one that applied stands for all of its
    shape. That this is so the tests show, where every patch is applied, by another library.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._seen: OrderedDict[Shape, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def check(self, pod: Pod, plan: Plan, operations: Patch) -> None:
        """Raise PatchFailed where a patch does not apply, or leads to another pod than planned."""
        shape = _shape(operations)
        if shape in self._seen:
            self._seen.move_to_end(shape)
            return
        verify(pod, Pod(patch.apply(pod.raw, operations)), plan)
        if len(shape) > LARGEST:
            return
        self._seen[shape] = None
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)


def _shape(operations: Patch) -> Shape:
    """Give every path; one that something is moved from, behind the number of where it goes to."""
    paths = tuple(map(_path, operations))
    if "move" not in map(_operation, operations):
        return paths
    for number, each in enumerate(operations):
        if "from" in each:
            paths += (str(number), each["from"])
    return paths
