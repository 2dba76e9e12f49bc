"""Text from elsewhere reaches each place that shows it through that place's one function."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.fixtures import source_trees

ROOT = Path(__file__).resolve().parents[1]
# The modules that hold those functions.
OWN = {
    "ui/plain.py",
    "cli/console.py",
    "engine/analysis/plotting.py",
    "engine/study/formula_guard.py",
    "engine/plain_text.py",
}
EVERYWHERE = {
    "writer", "DictWriter", "to_csv", "to_excel", "to_html", "to_markdown", "savefig", "TextColumn",
    "from_markup", "Formatter", "basicConfig",
}  # fmt: skip
ALLOWED = {
    ("engine/training/snapshot.py", "to_csv"),  # a checksum
    ("engine/study/exporting/writers.py", "Workbook"),  # its cells have types
    ("ui/widgets/basics.py", "QPushButton"),  # `button` is looked at instead
    ("ui/label/protocol_page.py", "setPlainText"),  # to be edited
    ("ui/label/protocol_form.py", "setPlainText"),
    ("ui/widgets/pickers.py", "button"),  # `Segments` is looked at instead
    ("ui/widgets/empty_state.py", "button"),  # the program's own words, with mnemonics
}
IN_UI = {
    "setToolTip", "setTabToolTip", "showText", "setWindowTitle", "setTextFormat", "setHtml",
    "setMarkdown", "insertHtml", "appendHtml", "setWhatsThis", "setStatusTip", "setInformativeText",
    "QLabel", "QMessageBox", "QTextBrowser", "QTextEdit", "QTextDocument", "QErrorMessage",
    "QInputDialog", "QProgressDialog", "QToolTip", "drawText", "drawStaticText", "elidedText",
    "insertText",
}  # fmt: skip
IN_CLI = {"Console", "print", "rule", "log", "print_json", "echo", "confirm", "prompt"}
# Place of the text among the arguments of what takes `&` for a mnemonic, HTML or formulas.
BUTTONS = dict.fromkeys(
    ("button", "QPushButton", "QToolButton", "QCheckBox", "QRadioButton", "QGroupBox", "QAction",
     "addAction", "addTab", "addMenu", "Segments"), 0
) | {"setTabText": 1}  # fmt: skip
WHOLE = {"setPlainText": 0}  # texts that somebody is to judge, which a font may lack signs of
PLOTS = {"setLabel": -1, "setTitle": 0}
FIGURES = {
    "set_title": 0, "set_xlabel": 0, "set_ylabel": 0, "set_label": 0, "suptitle": 0, "supxlabel": 0,
    "supylabel": 0, "annotate": 0, "text": 2, "set_xticks": 1, "set_yticks": 1,
    "set_xticklabels": 0, "set_yticklabels": 0,
}  # fmt: skip


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _own_words(text: ast.expr, by: set[str]) -> bool:
    """Whether a text is the program's own, or goes through one of the functions."""
    match text:
        case ast.Constant():
            return True
        case ast.Name():  # a constant of the module
            return text.id.strip("_").isupper()
        case ast.Call():
            return _name(text) in by
        case ast.IfExp():
            return _own_words(text.body, by) and _own_words(text.orelse, by)
        case ast.BoolOp():
            return all(_own_words(part, by) for part in text.values)
        case ast.BinOp():
            return _own_words(text.left, by) and _own_words(text.right, by)
        case ast.List() | ast.Tuple():
            return all(_own_words(part, by) for part in text.elts)
        case ast.ListComp():
            return _own_words(text.elt, by)
        case ast.Dict():
            return all(_own_words(part, by) for part in text.values)
        case ast.DictComp():
            return _own_words(text.value, by)
        case ast.JoinedStr():
            return all(_own_words(part, by) for part in text.values)
        case ast.FormattedValue():  # a number has a format
            return text.format_spec is not None or _own_words(text.value, by)
        case ast.Attribute():  # what an axis has been given already
            return text.attr == "labelText"
        case ast.Subscript():
            return _own_words(text.value, by)
    return False


def _texts(call: ast.Call, places: dict[str, int]) -> Iterator[ast.expr]:
    if isinstance(call.func, ast.Attribute) and call.func.attr == "button":
        return  # of a group of buttons: its number
    place = places.get(_name(call))
    if place is not None and -len(call.args) <= place < len(call.args):
        yield call.args[place]


def offences(source: str, file: str, nodes: Iterable[ast.AST]) -> list[str]:
    """What a module does by itself that one function is there for.

    Args:
        source: its text.
        file: its path in the package.
        nodes: its syntax.
    """
    if file in OWN:
        return []
    room = file.split("/", 1)[0]
    found = []
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == "ToolTipRole":
            found += [] if "tip_text(" in source else [f"{file}:{node.lineno} ToolTipRole"]
        if not isinstance(node, ast.Call):
            continue
        name = _name(node)
        bad = name in EVERYWHERE | {"Workbook"}
        if room == "ui":
            bad |= name in IN_UI and not _tipped(node)
            for text in _texts(node, BUTTONS):
                bad |= not _own_words(text, {"literal", "caption"})
            for text in _texts(node, WHOLE):
                bad |= not _own_words(text, {"whole_text"})
            if file in ("ui/widgets/curves.py", "ui/widgets/scatter.py"):
                bad |= any(not _own_words(text, {"as_html"}) for text in _texts(node, PLOTS))
        if room == "cli":
            bad |= name in IN_CLI and not _plain_print(node)
        if file.startswith("engine/analysis/"):
            by = {"drawn", "beside", "entry"}
            bad |= any(not _own_words(text, by) for text in _texts(node, FIGURES))
            labels = [word.value for word in node.keywords if word.arg == "label"]
            bad |= any(not _own_words(text, by) for text in labels)
        if bad and (file, name) not in ALLOWED:
            found.append(f"{file}:{node.lineno} {name}")
    return found


def _tipped(call: ast.Call) -> bool:
    """`setTabToolTip` with a text that went through `tip_text`."""
    last = call.args[-1] if call.args else None
    return isinstance(last, ast.Call) and _name(last) == "tip_text"


def _plain_print(call: ast.Call) -> bool:
    """`print` and the like of the consoles that take all for plain text, or of the version."""
    on = call.func.value if isinstance(call.func, ast.Attribute) else None
    asked = {word.arg for word in call.keywords}
    version = [getattr(word, "id", "") for word in call.args] == ["__version__"]
    known = isinstance(on, ast.Name) and on.id in ("out", "err")
    known |= isinstance(on, ast.Attribute) and on.attr == "console"  # a progress bar's: ours
    return version or (known and not asked & {"markup", "emoji"})


def test_that_texts_reach_their_places_through_one_function() -> None:
    found = []
    for path in source_trees.files():
        place, nodes = source_trees.place(path), source_trees.nodes(path)
        found += offences(source_trees.text(path), place, nodes)
    assert found == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("ui/bad.py", "widget.setToolTip(name)"),
        ("ui/bad.py", "tabs.setTabToolTip(0, name)"),
        ("ui/bad.py", "QToolTip.showText(place, name)"),
        ("ui/bad.py", "window.setWindowTitle(study.name)"),
        ("ui/bad.py", "made = QLabel(labeler.code)"),
        ("ui/bad.py", "box = QMessageBox(parent)"),
        ("ui/bad.py", "button(labeler.code, act)"),
        ("ui/bad.py", "button(f'Open {labeler.code}')"),
        ("ui/bad.py", "menu.addAction(doubt.text)"),
        ("ui/bad.py", "painter.drawText(box, 0, labeler.code)"),
        ("ui/bad.py", "short = metrics.elidedText(labeler.code, middle, 80)"),
        ("ui/bad.py", "tabs.addTab(table.name)"),
        ("ui/bad.py", "cursor.insertText(text.text)"),
        ("ui/bad.py", "page.setPlainText(text.text)"),
        ("ui/bad.py", "told = name if role == Qt.ItemDataRole.ToolTipRole else None"),
        ("ui/bad.py", "Segments({name: name for name in attributes})"),
        ("ui/widgets/curves.py", "plot.setLabel('bottom', name)"),
        ("cli/bad.py", "print(name)"),
        ("cli/bad.py", "typer.echo(name)"),
        ("cli/bad.py", "console = Console()"),
        ("cli/bad.py", "out.print(name, markup=True)"),
        ("cli/bad.py", "bar = Progress(TextColumn('{task.description}'))"),
        ("cli/bad.py", "frame.to_csv(path)"),
        ("engine/bad.py", "csv.writer(file).writerow(row)"),
        ("engine/bad.py", "book = openpyxl.Workbook()"),
        ("engine/bad.py", "handler.setFormatter(logging.Formatter('%(message)s'))"),
        ("engine/analysis/bad.py", "axes.set_title(title)"),
        ("engine/analysis/bad.py", "axes.set_yticks(range(3), names)"),
        ("engine/analysis/bad.py", "axes.plot(x, y, label=name)"),
        ("engine/analysis/bad.py", "axes.annotate(row.name, (0, 0))"),
        ("engine/analysis/bad.py", "figure.savefig(path)"),
    ],
)  # fmt: skip
def test_that_a_way_around_is_found(file: str, line: str) -> None:
    assert offences(line, file, ast.walk(ast.parse(line))) != []
