"""What a machine with a GPU is sent comes from the lock alone, by hash."""

from pathlib import Path

from tools.gpu_wheels import LACKED
from tools.lock_pins import pins

LOCK = Path(__file__).parents[2] / "requirements.lock"


def test_that_each_package_is_pinned_with_hashes() -> None:
    found = pins(LOCK.read_text(encoding="utf-8"))
    for name in LACKED:
        first, *rest = found[name].splitlines()
        assert first.startswith(f"{name}==")
        assert any("--hash=sha256:" in line for line in rest)
        assert not any("via" in line for line in rest)


def test_that_no_version_of_a_package_is_left_out() -> None:
    lock = (
        "one==1 ; python_version < '3.12' \\\n    --hash=sha256:aa\n    # via two\n"
        "one==2 ; python_version >= '3.12' \\\n    --hash=sha256:bb\n"
    )
    assert pins(lock) == {"one": lock.replace("    # via two\n", "").strip()}
