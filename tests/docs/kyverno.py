"""Kyverno's command line. `python -m tests.docs.kyverno` builds it."""

from tests.go_program import GoProgram

KYVERNO = GoProgram(
    "kyverno", "github.com/kyverno/kyverno", "v1.19.1", "./cmd/cli/kubectl-kyverno", ("kyverno",)
)

if __name__ == "__main__":
    KYVERNO.main()
