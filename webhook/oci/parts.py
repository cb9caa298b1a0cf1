"""The parts of one image while it is read: what was read now, and what is remembered of it."""

from webhook.oci.cache import Memory
from webhook.oci.manifests import Configuration, Document
from webhook.oci.platforms import Known


class Parts:
    """Documents and configurations by digest, kept for this lookup whatever memory has room for."""

    def __init__(self, memory: Memory, name: str) -> None:
        """`name` is the repository's: what is remembered of another one does not count."""
        self._memory = memory
        self._name = name
        self._documents: dict[str, Document] = {}
        self._configurations: dict[str, Configuration] = {}
        self.known = Known(self.document, self.configuration)

    def document(self, digest: str) -> Document | None:
        """Give an index or a manifest."""
        return self._documents.get(digest) or self._memory.document(self._name, digest)

    def configuration(self, digest: str) -> Configuration | None:
        """Give a configuration."""
        read = self._configurations.get(digest)
        return read or self._memory.configuration(self._name, digest)

    def keep_document(self, digest: str, read: Document) -> Document:
        """Keep an index or a manifest, and give it."""
        self._documents[digest] = read
        self._memory.keep_document(self._name, digest, read)
        return read

    def keep_configuration(self, digest: str, read: Configuration) -> None:
        """Keep a configuration."""
        self._configurations[digest] = read
        self._memory.keep_configuration(self._name, digest, read)
