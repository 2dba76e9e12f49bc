"""The backbone field: known networks, the study's imported embeddings, a file of weights."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFileDialog

from prism_desktop.engine.backbone_names import gives_features_alone
from prism_desktop.engine.backbones.spec import KNOWN, MINI
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.embeddings import EmbeddingSet

_LOCAL = "Local weights file…"


class BackboneBox(QComboBox):
    """Its data are backbones as a training takes them."""

    chosen = Signal(str)  # by the user, not by the program

    def __init__(self) -> None:
        super().__init__()
        for key, network in KNOWN.items():
            self.addItem(network.title, key)
        self.addItem(_LOCAL, _LOCAL)
        self._before = 0
        self.activated.connect(self._pick_file)

    @property
    def name(self) -> str:
        return str(self.currentData())

    @property
    def embeddings(self) -> bool:
        """Whether images come as numbers, so that there is no tower to adapt and no text."""
        return gives_features_alone(self.name)

    def show_embeddings(self, sets: Sequence[EmbeddingSet]) -> str:
        """Offer a study's imported embeddings in place of those offered before.

        Returns:
            A sentence if the chosen ones are no longer there and another backbone was chosen in
            their place; else nothing.
        """
        before, title = self.name, self.currentText()
        self.blockSignals(True)
        for place in reversed(range(self.count())):
            if str(self.itemData(place)).startswith("embeddings:"):
                self.removeItem(place)
        for number, found in enumerate(sets):
            name = f"{found.name} (imported, {counted(found.dimensions, 'number')})"
            self.insertItem(number, name, found.backbone)
        place = self.findData(before)
        gone = place < 0  # the set was of another study, or its import was undone
        self.setCurrentIndex(-1 if gone else place)
        self.blockSignals(False)
        if gone:
            self.setCurrentIndex(self.findData(MINI))
        self._before = self.currentIndex()
        return (
            f"{title} is no longer there; {self.currentText()} is chosen instead." if gone else ""
        )

    def pick(self, name: str) -> None:
        """Choose a backbone, known or not."""
        place = self.findData(name)
        if place < 0:
            place = self.count() - 1
            self.insertItem(place, name, name)
        self.setCurrentIndex(place)
        self._before = place

    def _pick_file(self, place: int) -> None:
        if self.itemData(place) != _LOCAL:
            self._before = place
            self.chosen.emit(self.name)
            return
        self.setCurrentIndex(self._before)
        files = "Weights (*.safetensors *.pt *.bin)"
        path, _ = QFileDialog.getOpenFileName(
            self, "CLIP weights, ViT-B/32 unless the name says otherwise", "", files
        )
        if path:
            self.pick(f"{architecture(Path(path).name)}:{path}")
            self.chosen.emit(self.name)


def architecture(file: str) -> str:
    """The open_clip model that a weights file's name speaks of; ViT-B/32 if it says nothing."""
    name = file.lower().replace("_", "-").replace("/", "-")
    for mark, model in (
        ("l-14", "ViT-L-14"),
        ("b-16", "ViT-B-16"),
        ("b-32", "ViT-B-32"),
        ("h-14", "ViT-H-14"),
    ):
        if mark in name or mark.replace("-", "") in name:
            return model + ("-quickgelu" if "openai" in name or "quickgelu" in name else "")
    return "ViT-B-32-quickgelu"
