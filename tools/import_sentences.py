"""The list of all that an import can say, in docs/import.md: collected from the code, with meanings
written by hand in docs/import-sentences.toml.

`python -m tools.import_sentences` brings both up to date: meanings of sentences that are still
there are kept, new sentences get an empty meaning, which a test finds.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
CODE: Final = ROOT / "prism_desktop" / "engine" / "study" / "importing"
GUIDE: Final = ROOT / "docs" / "import.md"
MEANINGS: Final = ROOT / "docs" / "import-sentences.toml"
BEGIN, END = "<!-- sentences: written by tools/import_sentences.py -->", "<!-- end of sentences -->"

_WORD: Final = re.compile(r"[A-Za-z][a-z']+")
_TYPE: Final = re.compile(r"\w\[[\w.]")  # NDArray[np.bool_]
_LEAST: Final = 3  # words of a sentence or a part of one
_WORDS: Final = 5  # more constants beside each other are a list of words that are understood
_QUIET: Final = {"warnings.filterwarnings", "re.compile", "log.debug", "log.warning", "startswith"}
_TOPICS: Final = {  # heading -> modules, in the order of the guide
    "Files that cannot be read": (
        "file_reading", "archives", "encodings", "grids", "header_rows", "text_tables",
        "record_files", "json_cells", "columnar_files", "open_documents", "spreadsheets",
        "sheet_rows", "statistics_files", "decimal_signs", "file_marks",
    ),
    "What columns are taken for": (
        "roles", "judgments", "table_roles", "column_profiles", "dialects", "plan_tables",
        "source_workbooks", "exported_trials", "exports_read", "exported_copies", "matching",
        "attribute_names", "fact_tables", "role_checks", "judgment_questions", "sibling_tables",
    ),
    "Names of images and labelers": ("collection", "left_out_rows", "labeler_names", "spellings"),
    "Numbers, words and scales": (
        "numerals", "scales", "scale_finding", "far_values", "answer_values", "wordings", "cells",
    ),
    "Outcomes of comparisons": (
        "outcomes", "outcome_codes", "outcome_codings", "outcome_values", "answer_pairs",
    ),
    "Times": ("moments",),
    "Answers that are there already": ("repeats", "repeat_words"),
    "Recipes, and the import as a whole": (
        "import_recipe", "plan", "plan_making", "import_files", "batch_making", "assembling",
        "doubts", "answer_columns", "export_names",
    ),
    "Folders of images": ("image_folder",),
    "Files of texts": ("text_files", "text_reading", "text_columns"),
    "Embeddings": ("embedding_files", "vectors"),
}  # fmt: skip


def collected() -> dict[str, list[str]]:
    """Every sentence, or part of one, by topic; what varies in it is “…”.

    Raises:
        ValueError: a module belongs to no topic.
    """
    found: dict[str, list[str]] = {topic: [] for topic in _TOPICS}
    seen: set[str] = set()
    for file in sorted(CODE.rglob("*.py")):
        sentences = [s for s in _sentences(ast.parse(file.read_text("utf-8"))) if s not in seen]
        topic = next((name for name, files in _TOPICS.items() if file.stem in files), None)
        if topic is None:
            if sentences:
                raise ValueError(f"{file.name} belongs to no topic of tools/import_sentences.py")
            continue
        unique = list(dict.fromkeys(sentences))
        seen |= set(unique)
        found[topic] += unique
    return {topic: sentences for topic, sentences in found.items() if sentences}


def _sentences(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if _is_mute(node):
            continue
        text = _text(node)
        if text is None:
            yield from _sentences(node)
            continue
        text = " ".join(text.split())
        words = len(_WORD.findall(text.replace("…", " ")))
        if words >= _LEAST and " " in text and not _TYPE.search(text):
            yield text
        for inner in ast.walk(node):
            if isinstance(inner, ast.FormattedValue):
                yield from _sentences(inner.value)


def _is_mute(node: ast.AST) -> bool:
    """Docstrings, types and patterns are not said to anybody."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Set | ast.Tuple | ast.List) and len(node.elts) > _WORDS:
        return all(isinstance(each, ast.Constant) for each in node.elts)  # words that are read
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        return name in _QUIET or name.rsplit(".", 1)[-1] in _QUIET
    return isinstance(node, ast.Raise) and "ValueError(" in ast.unparse(node)


def _text(node: ast.AST) -> str | None:
    """A text with “…” for what varies; None if it is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        if left is not None or right is not None:
            return (left or "…") + (right or "…")
    return None


def meanings() -> dict[str, str]:
    """What each sentence means, as it was written by hand."""
    if not MEANINGS.is_file():
        return {}
    return {str(k): str(v) for k, v in tomllib.loads(MEANINGS.read_text("utf-8")).items()}


def listed(found: Mapping[str, list[str]], known: Mapping[str, str]) -> str:
    """The list as it stands in the guide."""
    lines = [BEGIN]
    for topic, sentences in found.items():
        lines += ["", f"### {topic}", "", "| It says | What that means, and what to do |",
                  "|---|---|"]  # fmt: skip
        lines += [f"| {_cell(s)} | {_cell(known.get(s, ''))} |" for s in sentences]
    return "\n".join([*lines, "", END])


def _cell(text: str) -> str:
    text = text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
    return re.sub(r"(?<![\w`])(--[a-z][a-z-]*)", r"`\1`", text)


def rewritten(guide: str, found: Mapping[str, list[str]], known: Mapping[str, str]) -> str:
    """The guide with its list up to date."""
    before, _, rest = guide.partition(BEGIN)
    return before + listed(found, known) + rest.partition(END)[2]


def main() -> None:
    """Bring the meanings and the guide up to date."""
    import tomli_w

    found, known = collected(), meanings()
    kept = {s: known.get(s, "") for sentences in found.values() for s in sentences}
    MEANINGS.write_text(tomli_w.dumps(kept), "utf-8")
    if GUIDE.is_file():
        GUIDE.write_text(rewritten(GUIDE.read_text("utf-8"), found, kept), "utf-8")
    lost, new = sorted(set(known) - set(kept)), [s for s, words in kept.items() if not words]
    for name, sentences in (("No longer said", lost), ("Without a meaning", new)):
        for sentence in sentences:
            print(f"{name}: {sentence}")


if __name__ == "__main__":
    main()
