"""Packs the catalogue and the presets into the wheel; everything else about it says pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent


class BuildWithCatalogue(build_py):
    """In the wheel the catalogue lies inside `studio`, so what it names beside itself lies one folder up."""

    def run(self) -> None:
        """Copy the packages, then the two files."""
        super().run()
        if not self.editable_mode:
            catalogue = (HERE / "models.yaml").read_text(encoding="utf-8")
            target = Path(self.build_lib) / "studio" / "models.yaml"
            target.write_text(catalogue.replace(": pipelines/", ": ../pipelines/"), encoding="utf-8")
            self.copy_file(str(HERE / "presets.yaml"), str(target.with_name("presets.yaml")))


setup(cmdclass={"build_py": BuildWithCatalogue})
