"""krew, the plugin manager of kubectl. `python -m tests.packaging.krew` builds it."""

from tests.go_program import GoProgram

KREW = GoProgram("krew", "sigs.k8s.io/krew", "v0.5.0", "./cmd/krew", ("kubectl-krew", "krew"))

if __name__ == "__main__":
    KREW.main()
