"""Files are read with a cap."""

from pathlib import Path

import pytest

from webhook.base.files import read_capped


def test_a_file_of_the_largest_size_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 2048)
    assert len(read_capped(file, 2048)) == 2048
    file.write_bytes(b"x" * 2049)
    with pytest.raises(OSError, match="larger than 2 KiB"):
        read_capped(file, 2048)


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(OSError, match="larger than 1024 KiB"):
        read_capped(Path("/dev/zero"))
