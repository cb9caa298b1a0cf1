"""A container store of the test's own: nothing touches the machine's images."""

import atexit
import subprocess
import sys
from ast import literal_eval
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from resource import RLIMIT_NOFILE, RLIMIT_NPROC, getrlimit
from shutil import rmtree

from initshim.cache import cache_folder

ROOT = Path(__file__).resolve().parents[3]
# Without cgroup managers, journals and raised limits, which a sandbox may not have.
CONFIG = """\
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
"""
FORWARDED = ("index-url", "extra-index-url", "trusted-host", "timeout", "default-timeout")


@dataclass(frozen=True, slots=True)
class Store:
    """buildah and podman on one folder."""

    folder: Path

    @property
    def run_root(self) -> Path:
        """Where podman keeps what runs: it wants a path of at most 50 characters, and the same."""
        path = Path("/tmp", f"podman-{sha256(bytes(self.folder)).hexdigest()[:16]}")
        if not path.exists():
            path.mkdir(mode=0o700)
            atexit.register(rmtree, path, ignore_errors=True)
        return path

    @property
    def kept(self) -> Path:
        """Where buildah has what `RUN --mount=type=cache` names: packages, and zig's C library."""
        path = cache_folder().with_name("images")
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def options(self) -> list[str]:
        """What both programs need to find it."""
        return [
            *("--root", str(self.folder / "storage"), "--runroot", str(self.run_root)),
            *("--storage-driver", "vfs"),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What both programs are run with."""
        config = self.folder / "containers.conf"
        # Zig opens some 2,000 files; buildah itself goes down to 32,768 processes, not up again.
        files = getrlimit(RLIMIT_NOFILE)[1]
        processes = min(getrlimit(RLIMIT_NPROC)[1], 32768)
        config.write_text(CONFIG.format(files=files, processes=processes))
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),
            "TMPDIR": str(self.kept),
            "BUILDAH_ISOLATION": "chroot",
            "CONTAINERS_CONF": str(config),
        }

    def run(self, program: str, *words: str) -> str:
        """Run it to its end and give what it printed; raise with what it said where it failed."""
        done = self._call(program, *words)
        if done.returncode:
            raise AssertionError(f"{program} {words}: {done.stderr[-4000:]}")
        return done.stdout

    def logs(self, container: str) -> str:
        """Give all that a container wrote, to either stream."""
        done = self._call("podman", "logs", container)
        return done.stdout + done.stderr

    def _call(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *self.options, *words],
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=900,
            check=False,
        )

    def build(self, target: str, *options: str) -> str:
        """Build one target of the project's Dockerfile; give the image's name."""
        name = f"localhost/{target}"
        arguments = ["--target", target, "--tag", name, *self.pip_secrets(), *options]
        self.run("buildah", "build", "--network", "host", "--layers=false", *arguments, str(ROOT))
        return name

    def pip_secrets(self) -> list[str]:
        """Hand this machine's way to a package index to a build; the image keeps no trace."""
        command = [sys.executable, "-m", "pip", "config", "list"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        known = {}
        for line in said.splitlines():
            key, _, value = line.partition("=")
            known[key.rpartition(".")[2]] = str(literal_eval(value))
        lines = ["[global]", *(f"{key} = {known[key]}" for key in FORWARDED if key in known)]
        secrets = ["--secret", f"id=pip.conf,src={self.folder / 'pip.conf'}"]
        if "cert" in known:
            lines.append("cert = /run/secrets/ca.pem")
            secrets += ["--secret", f"id=ca.pem,src={known['cert']}"]
        (self.folder / "pip.conf").write_text("\n".join(lines) + "\n")
        return secrets
