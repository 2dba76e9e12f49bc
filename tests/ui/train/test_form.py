"""The form of a new run says what the settings say."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from prism_desktop.engine.config import TrainConfig, settings
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.runs.default_backbone import BackboneChoice
from prism_desktop.engine.study.embeddings import EmbeddingSet
from prism_desktop.ui.train.availability import MethodAvailability, method_availability
from prism_desktop.ui.train.backbone_box import architecture
from prism_desktop.ui.train.form import APART, RunForm
from prism_desktop.ui.train.runs import short
from tests.ui.train.conftest import offered_choices


def test_that_every_setting_has_a_place_in_the_form(form: RunForm) -> None:
    assert set(form.fields) | APART == {setting.key for setting in settings()}
    for field in form.fields.values():
        assert field.setting.description in field.toolTip()


def test_that_an_untouched_form_means_the_defaults(form: RunForm) -> None:
    assert form.config() == TrainConfig(backbone="prism-mini")


def test_that_what_is_chosen_is_what_is_trained(form: RunForm) -> None:
    form.method.setCurrentIndex(form.method.findData("consensus"))
    form.labelers.tick(["L2"])
    form.split.setCurrentIndex(form.split.findData("pair"))
    form.seed.setText("7")
    form.fields["lora_lr"].put(0.01)
    config = form.config()
    assert (config.method, config.labelers, config.attributes) == ("consensus", ("L2",), None)
    assert (config.split.kind, config.seed, config.lora_lr) == ("pair", 7, 0.01)


def test_that_a_wrong_value_is_told_beside_its_field_and_cannot_start(form: RunForm) -> None:
    form.fold.setChecked(True)
    field = form.fields["epochs"]
    field.put("many")
    field.changed.emit()
    started: list[TrainConfig] = []
    form.started.connect(started.append)
    assert field._problem.text() == "Must be a whole number."
    assert form._problem.text() == "This does not fit: Most epochs."
    form.fold.setChecked(False)
    form.start.click()
    assert (started, form.fold.isChecked()) == ([], True)
    field.put("3")
    field.changed.emit()
    assert not field._problem.text()
    assert not form._problem.text()
    form.start.click()
    assert [config.epochs for config in started] == [3]


def test_that_folded_settings_tell_how_many_were_changed_and_can_be_set_back(form: RunForm) -> None:
    for key, value in (("rank", 8), ("patience", 5)):
        form.fields[key].put(value)
        form.fields[key].changed.emit()
    assert form.fold.text() == "Advanced settings, 2 changed"
    form.advanced.defaults.click()
    assert form.fold.text() == "Advanced settings"
    assert form.config() == TrainConfig(backbone="prism-mini")


def test_that_the_wheel_changes_no_choice_and_takes_no_focus(form: RunForm) -> None:
    before, middle = form.split.currentIndex(), QPointF(form.split.rect().center())
    form.split.setFocus()
    turn = QWheelEvent(
        middle,
        form.split.mapToGlobal(middle),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(form.split, turn)
    assert form.split.currentIndex() == before
    assert form.split.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_that_why_a_run_did_not_start_is_told_until_something_is_changed(form: RunForm) -> None:
    form.refuse("The image split has 7 folds, counted from 0; there is no fold 9.")
    assert "no fold 9" in form._problem.text()
    form.seed.textEdited.emit("1")
    assert not form._problem.text()


def test_that_nobody_chosen_is_told(form: RunForm) -> None:
    form.labelers.tick(())
    started: list[TrainConfig] = []
    form.started.connect(started.append)
    form.start.click()
    assert form._problem.text() == "Choose at least one labeler."
    assert not started


def test_that_a_recipe_fills_the_fields_it_sets(form: RunForm) -> None:
    recipe = form.fields["recipe"]
    recipe.put("source")
    assert form.fields["token_lr"].text() == "0.0005"
    config = form.config()
    assert (config.recipe, config.token_lr) == ("source", 5e-4)


@pytest.mark.parametrize(
    ("file", "model"),
    [
        ("ViT-B-16.pt", "ViT-B-16"),
        ("vit_l_14_openai.safetensors", "ViT-L-14-quickgelu"),
        ("w.pt", "ViT-B-32-quickgelu"),
    ],
)
def test_that_a_weights_file_suggests_its_model(file: str, model: str) -> None:
    assert architecture(file) == model


@pytest.mark.parametrize(
    ("backbone", "told"),
    [
        ("prism-mini", "prism-mini"),
        ("ViT-B-32-quickgelu:openai", "ViT-B-32-quickgelu:openai"),
        ("ViT-B-32:/data/w.pt", "ViT-B-32:w.pt"),
        ("ViT-B-32:C:\\data\\w.pt", "ViT-B-32:w.pt"),
        ("/data/tiny-config.json:/data/tiny.safetensors", "tiny-config.json"),
    ],
)
def test_that_a_backbone_is_named_without_folders(backbone: str, told: str) -> None:
    assert short(backbone) == told


def test_that_a_recipe_s_value_set_back_to_the_plain_default_is_trained(form: RunForm) -> None:
    form.fields["recipe"].put("source")
    form.fields["schedule"].put("cosine")
    form.fields["epochs"].put(None)
    config = form.config()
    assert (config.recipe, config.schedule, config.epochs) == ("source", "cosine", None)


def test_that_choices_outlive_a_new_labeler_and_end_with_their_study(form: RunForm) -> None:
    form.set_backbone("ViT-B-16-quickgelu:openai")
    names = {"L1": "Ada", "L2": "Bea", "L3": "Cyd"}
    form.show_study(offered_choices(names, "attractive", "smart"), fresh=False)
    form.labelers.tick(["L2", "L3"])
    form.show_study(
        offered_choices({**names, "L4": "Dan"}, "attractive", "smart", "kind"), fresh=False
    )
    config = form.config()
    assert (config.backbone, config.labelers, config.attributes) == (
        "ViT-B-16-quickgelu:openai",
        ("L2", "L3"),
        None,
    )
    form.show_study(offered_choices({"L1": "Ada", "L2": "Bea"}, "smart"))
    assert (form.config().backbone, form.config().labelers) == ("prism-mini", None)


def test_that_methods_without_a_way_to_work_are_greyed_with_the_reason(form: RunForm) -> None:
    found = offered_choices(
        {"L1": "Ada", "L2": "Ben"}, "kind", embeddings=(EmbeddingSet("facenet", 24, 512),)
    )
    form.show_study(found, fresh=False)
    form.set_backbone("embeddings:facenet")
    offers = {each.method.name: each for each in form.method.popup.list.model.methods}
    assert "which imported embeddings lack" in offers["lora-visual-prompt"].obstacle
    assert not offers["hierarchical-bayes"].obstacle
    assert "which imported embeddings lack" in form._problem.text()
    form.method.pick("hierarchical-bayes")
    assert form.config().backbone == "embeddings:facenet"


def test_that_only_settings_that_a_method_heeds_are_shown_at_its_own_values(form: RunForm) -> None:
    form.fold.setChecked(True)
    form.method.pick("moe-lora")
    assert form.fields["experts"].relevant
    assert not form.fields["clusters"].relevant
    form.method.pick("hierarchical-bayes")
    assert not form.fields["epochs"].relevant
    form.method.pick("e2p-5")
    assert form.fields["tokens"].text() == "5"
    assert form.config() == TrainConfig(method="e2p-5", backbone="prism-mini")
    form.method.pick("e2p-1")
    assert form.config().tokens == TrainConfig(method="e2p-1").tokens


def test_that_a_comparison_asks_for_what_is_ticked(form: RunForm, qtbot: QtBot) -> None:
    form.mode.pick("compare")
    form.several.pick(["collaborative", "hierarchical-bayes"])
    form.seeds.setText("2")
    form.fields["rank"].put(8)
    with qtbot.waitSignal(form.compared) as told:
        form.start.click()
    asked = told.args[0]
    assert set(asked.methods) == {"collaborative", "hierarchical-bayes"}
    assert (asked.seeds, asked.options["backbone"], asked.options["split"]) == (
        2,
        "prism-mini",
        "image",
    )
    assert asked.cross_fit is None
    assert form.cross_fit.isChecked()  # closed forms alone are cross-fitted by themselves
    form.cross_fit.click()
    assert form.comparison_request().cross_fit is False
    form.cross_fit.click()
    assert form.comparison_request().cross_fit
    form.split.setCurrentIndex(form.split.findData("pair"))  # there are no image folds to hold out
    assert not form.cross_fit.isEnabled()
    assert not form.comparison_request().cross_fit
    form.grid.setText("rank=2,4; strength=0.1,1")
    grid = {"rank": ("2", "4"), "strength": ("0.1", "1")}
    assert form.comparison_request().grid == grid
    form.grid.setText("rnak=2")
    form.start.click()
    assert "near it are rank" in form._problem.text()
    form.grid.clear()
    form.several.pick([])
    form.start.click()
    assert "at least one method" in form._problem.text()


_HUNDRED = ",".join(map(str, range(1, 101)))
# what is typed, and what it is taken for or what is said of it
_GRIDS: tuple[tuple[str, dict[str, tuple[str, ...]] | str], ...] = (
    ("", {}),
    (" ; ; ", {}),
    ("rank=4,,8", {"rank": ("4", "8")}),
    (" rank = 4 , 8 ;", {"rank": ("4", "8")}),
    ("rank=4,4,8,4", {"rank": ("4", "8")}),
    ("temperature=1e-1", {"temperature": ("1e-1",)}),
    (f"rank={_HUNDRED}", {"rank": tuple(_HUNDRED.split(","))}),
    ("rank", "names no values"),
    ("rank=", "names no values"),
    ("rank=,,", "names no values"),
    ("=4", "names no setting"),
    ("=", "names no setting"),
    ("4,8", "names no values"),
    ("rank=abc", "must be a whole number"),
    ("rank=4,abc", "“abc”"),
    ("rank=2.5", "whole number"),
    ("rank=-1", "cannot be “-1”"),
    ("rank=nan", "whole number"),
    ("temperature=nan", "temperature cannot be"),
    ("rank=1=2", "“1=2”"),
    ("a=1=2", "There is no setting “a”"),
    ("rank=\uff12", "whole number"),
    ("rank=\u0664", "whole number"),
    ("r\u0430nk=4", "There is no setting"),
    ("rank=2; rank=4", "names rank twice"),
    ("seed=1,2", "share their data"),
    ("rank=" + ",".join(map(str, range(10_000))), "10,000 points"),
    (f"rank={_HUNDRED}; tokens=1,2", "at most 100"),
    ("x" * 5000, "names no values"),
    (f"{'x' * 5000}=4", "There is no setting"),
    (f"rank={'9' * 5000}", "rank cannot be"),
    ("<b>rank</b>=4", "There is no setting “<b>rank</b>”"),
)


@pytest.mark.parametrize(("text", "told"), _GRIDS, ids=[text[:20] for text, _ in _GRIDS])
def test_that_any_grid_that_is_typed_is_taken_or_refused_in_a_sentence_at_the_field(
    form: RunForm, qtbot: QtBot, text: str, told: dict[str, tuple[str, ...]] | str
) -> None:
    form.several.pick(["lora-visual-prompt"])
    form.mode.pick("compare")
    form.grid.setText(text)
    if isinstance(told, dict):
        assert not form._problem.text()
        assert form.comparison_request().grid == told
        return
    said = form._problem.text()
    assert told in said
    assert "\n" not in said
    assert len(said) < 600
    with qtbot.assertNotEmitted(form.compared):
        form.start.click()
    assert form.focusWidget() is form.grid


def test_that_chosen_embeddings_that_are_gone_are_told_of(form: RunForm) -> None:
    names = {"L1": "Ada", "L2": "Ben"}
    facenet = (EmbeddingSet("facenet", 24, 512),)
    form.show_study(offered_choices(names, "kind", embeddings=facenet), fresh=False)
    form.set_backbone("embeddings:facenet")
    form.method.pick("hierarchical-bayes")
    assert not form._problem.text()
    form.show_study(offered_choices(names, "kind"), fresh=False)
    assert form.backbone.name == "prism-mini"
    assert form._problem.text().startswith("facenet (imported, 512 numbers) is no longer there; ")
    form.seed.textEdited.emit("1")
    assert not form._problem.text()


def test_that_a_chosen_labeler_who_is_gone_is_told_of(form: RunForm) -> None:
    form.show_study(offered_choices({"L1": "Ada", "L2": "Bea", "L3": "Cyd"}, "kind"), fresh=False)
    form.labelers.tick(["L2", "L3"])
    form.show_study(offered_choices({"L1": "Ada", "L3": "Cyd"}, "kind"), fresh=False)
    assert form._problem.text() == "Bea is no longer in the study."
    assert form.labelers.picked() == ("L3",)


def test_that_another_study_is_no_loss(form: RunForm) -> None:
    form.labelers.tick(["L2"])
    form.show_study(offered_choices({"M1": "Max", "M2": "Mia"}, "kind"))
    assert not form._problem.text()


@pytest.mark.parametrize("name", ["hierarchical-bays", ""])
def test_that_an_unknown_method_is_not_chosen_in_silence(form: RunForm, name: str) -> None:
    with pytest.raises(InputError, match="is unknown"):
        form.method.pick(name)
    with pytest.raises(InputError, match="is unknown"):
        form.several.pick([name])
    assert form.methods() == ("lora-visual-prompt",)


def test_that_a_setting_takes_only_its_choices(form: RunForm) -> None:
    with pytest.raises(ValueError, match="no choice of schedule"):
        form.fields["schedule"].put("linear")


def test_that_what_is_impossible_cannot_be_started_and_the_reason_stands_there(
    form: RunForm,
) -> None:
    everybody = {"L1": "Ada", "L2": "Ben"}
    form.method.pick("lora-visual-prompt")
    assert form.start.isEnabled()
    form.show_study(offered_choices(everybody, "smart", answered=frozenset({"L1"})), fresh=False)
    assert not form.start.isEnabled()
    assert "needs two with answers" in form._problem.text()
    form.method.pick("consensus")
    assert form.start.isEnabled()
    form.show_study(offered_choices(everybody, "smart", answered=frozenset()), fresh=False)
    assert not form.start.isEnabled()
    assert "Nobody has answered yet" in form._problem.text()


def _said(form: RunForm) -> dict[str, object]:
    """Everything that a user may have set, by the order of the fields."""
    said: dict[str, object] = {"methods": form.several.picked(), "mode": form.mode.current}
    said |= {"labelers": form.labelers.picked(), "attributes": form.attributes.picked()}
    for kind, value in (
        (QComboBox, lambda box: box.currentData()),
        (QLineEdit, lambda line: line.text()),
        (QCheckBox, lambda tick: tick.isChecked()),
    ):
        fields = [each for each in form.findChildren(kind) if each.window() is form.window()]
        for place, each in enumerate(fields):  # lists that are opened begin anew by themselves
            said[f"{kind.__name__} {place}"] = value(each)
    return said


def test_that_nothing_is_carried_over_to_another_study(form: RunForm) -> None:
    names = {"L1": "Ada", "L2": "Ben"}
    form.show_study(offered_choices(names, "attractive", "smart"))
    before = _said(form)
    form.labelers.tick(["L2"])
    form.attributes.tick(["smart"])
    form.several.pick(("consensus",))
    form.mode.pick("compare")
    for box in form.findChildren(QComboBox):
        if box not in (form.several, form.labelers, form.attributes):
            box.setCurrentIndex(box.count() - 1)
    form.set_backbone("ViT-B-16-quickgelu:openai")
    for line in form.findChildren(QLineEdit):
        line.setText("9")
        line.textEdited.emit("9")
    for tick in form.findChildren(QCheckBox):
        tick.setChecked(not tick.isChecked())
    changed = _said(form)
    assert len([key for key in before if changed[key] != before[key]]) > 20
    form.show_study(offered_choices(names, "attractive", "smart"))
    assert _said(form) == before


def test_that_a_study_is_shown_by_one_look_at_what_it_can_train(
    form: RunForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def look(*given: object) -> list[MethodAvailability]:
        asked.append(given)
        return method_availability(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("prism_desktop.ui.train.form.method_availability", look)
    form.show_study(offered_choices({"L1": "Ada", "L3": "Chi"}, "attractive"))
    assert len(asked) == 1
    form.labelers.tick(["L3"])
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answered", "backbone", "method", "told"),
    [
        (("L1", "L2"), "prism-mini", "lora-visual-prompt", ""),
        (("L1",), "prism-mini", "consensus", "Consensus is chosen."),
        (("L1", "L2"), "embeddings:facenet", "hierarchical-bayes", "Hierarchical Bayes is chosen."),
    ],
)
def test_that_a_new_study_begins_with_a_method_that_is_possible(
    form: RunForm, answered: tuple[str, ...], backbone: str, method: str, told: str
) -> None:
    given = {
        "answered": frozenset(answered),
        "embeddings": (EmbeddingSet("facenet", 9, 64),),
        "backbone": BackboneChoice(backbone, ""),
    }
    form.show_study(offered_choices({"L1": "Ada", "L2": "Ben"}, "smart", **given))
    assert form.config().method == method
    assert told in form._method_note.text()


def test_that_what_has_to_be_downloaded_is_told_before_start(form: RunForm) -> None:
    assert not form._backbone_note.text()
    form.set_backbone("ViT-B-32-quickgelu:openai")
    assert "downloaded first, 605 MB" in form._backbone_note.text()
