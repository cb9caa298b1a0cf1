"""An image reference in Docker's normal form, `image.parse`, to compare it with globs."""

from webhook.core import image
from webhook.core.cel.literals import literal

_OLD_HUB = "index.docker.io/"


def normal(written: str) -> str:
    """Give the normal form of a reference; what is none comes back as it is."""
    first = f'{written}.split("/")[0]'
    on_host = f'{written}.contains("/") && ({first}.matches("[.:A-Z]") || {first} == "localhost")'
    hub = literal(f"{image.DOCKER_HUB}/")
    library = literal(f"{image.DOCKER_HUB}/library/")
    after_slash = 'n.substring(n.lastIndexOf("/") + 1)'
    return (
        f"[{written}].map(n, !n.matches({literal(f'^(?:{image.PATTERN})$')})"
        f" || n.matches({literal('^[a-f0-9]{64}$')}) ? n\n"
        f": [{on_host} ? (n.startsWith({literal(_OLD_HUB)})"
        f" ? {hub} + n.substring({len(_OLD_HUB)}) : n)"
        f" : {hub} + n]\n"
        f'.map(n, n.startsWith({hub}) && !n.substring({len(image.DOCKER_HUB) + 1}).contains("/")'
        f" ? {library} + n.substring({len(image.DOCKER_HUB) + 1}) : n)\n"
        f'.map(n, {after_slash}.matches("[:@]") ? n : n + ":latest")[0])[0]'
    )
