"""The package as a whole: its version, its syntax, its independence."""

import ast
import subprocess
import sys
from pathlib import Path

from casparian_flow import __version__

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "casparian_flow").glob("*.py"))


def test_the_versions_agree():
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_every_module_is_valid_for_the_oldest_python():
    for module in MODULES:
        ast.parse(module.read_text(), feature_version=(3, 9))


def test_types_are_announced():
    assert (ROOT / "casparian_flow" / "py.typed").exists()


def test_nothing_but_the_standard_library_is_imported():
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import casparian_flow, casparian_flow.output; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = {name.partition(".")[0] for name in shown.split()} - {"casparian_flow", "__main__"}
    assert not {"pandas", "polars", "pyarrow", "numpy"} & loaded
    known = getattr(sys, "stdlib_module_names", loaded)
    assert {name for name in loaded if name not in known and not name.startswith("_")} <= {"sitecustomize", "distutils-precedence"}
