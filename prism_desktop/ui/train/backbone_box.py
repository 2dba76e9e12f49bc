"""The backbone field: known networks, the study's imported embeddings, a file of weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFileDialog

from prism_desktop.engine.backbone_names import EMBEDDINGS, LANGUAGE, gives_features_alone
from prism_desktop.engine.backbones.spec import GGUF, known_networks
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.stimulus_words import StimulusKind
from prism_desktop.engine.study.embeddings import EmbeddingSet

_LOCAL: Final = {"image": "Local weights file…", "text": "Local language model…"}


class BackboneBox(QComboBox):
    """Its data are backbones as a training takes them: those that make something of what the study
    holds, and no others."""

    chosen = Signal(str)  # by the user, not by the program

    def __init__(self) -> None:
        super().__init__()
        self._kind: StimulusKind = "image"
        self._offer_known()
        self._before = 0
        self.activated.connect(self._pick_file)

    @property
    def name(self) -> str:
        return str(self.currentData())

    @property
    def embeddings(self) -> bool:
        """Whether stimuli come as numbers, so that there is no image tower to adapt."""
        return gives_features_alone(self.name)

    def show_study(self, kind: StimulusKind, sets: Sequence[EmbeddingSet]) -> str:
        """Offer what fits a study's stimuli, and its imported embeddings in place of those offered
        before.

        Returns:
            A sentence if the chosen ones are no longer there and another backbone was chosen in
            their place; else nothing.
        """
        before, title = self.name, self.currentText()
        self.blockSignals(True)
        if kind != self._kind:
            self._kind = kind
            self._offer_known()
        for place in reversed(range(self.count())):
            if str(self.itemData(place)).startswith(EMBEDDINGS):
                self.removeItem(place)
        for number, found in enumerate(sets):
            name = f"{found.name} (imported, {counted(found.dimensions, 'number')})"
            self.insertItem(number, name, found.backbone)
        place = self.findData(before)
        gone = place < 0  # the set was of another study, or its import was undone
        self.setCurrentIndex(-1 if gone else place)
        self.blockSignals(False)
        if gone:
            self.setCurrentIndex(self.findData(next(iter(known_networks(self._kind)))))
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

    def _offer_known(self) -> None:
        self.clear()
        for key, network in known_networks(self._kind).items():
            self.addItem(network.title, key)
        self.addItem(_LOCAL[self._kind], _LOCAL[self._kind])

    def _pick_file(self, place: int) -> None:
        if self.itemData(place) != _LOCAL[self._kind]:
            self._before = place
            self.chosen.emit(self.name)
            return
        self.setCurrentIndex(self._before)
        if found := self._local_model() if self._kind == "text" else self._local_weights():
            self.pick(found)
            self.chosen.emit(self.name)

    def _local_weights(self) -> str:
        files = "Weights (*.safetensors *.pt *.bin)"
        path, _ = QFileDialog.getOpenFileName(
            self, "CLIP weights, ViT-B/32 unless the name says otherwise", "", files
        )
        return f"{architecture(Path(path).name)}:{path}" if path else ""

    def _local_model(self) -> str:
        files = f"Language models (config.json *{GGUF})"
        path, _ = QFileDialog.getOpenFileName(
            self, "A language model: its folder's config.json, or a GGUF file", "", files
        )
        whole = path.lower().endswith(GGUF)
        return f"{LANGUAGE}{path if whole else Path(path).parent}" if path else ""


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
