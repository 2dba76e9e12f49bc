"""One module writes: no other opens a file to change it, makes, moves, deletes or locks one."""

import ast
import re
from collections.abc import Iterable

import pytest

from tests.fixtures import source_trees

DOORS = ("engine/files.py", "engine/folder_handles.py")
# What is kept in the program's own folder of settings, where nobody's study is; the other module
# that asks the system for files, only to read them; and the device that swallows what is printed.
ALLOWED = {
    "engine/log_file.py": {"mkdir", "RotatingFileHandler"},
    "ui/preferences.py": {"QSettings"},
    "engine/foreign_files.py": {"open"},
    "cli/main.py": {"open"},
    "engine/launched.py": {"create_connection"},  # to the first of several processes, no file
}
# The program's own data, and what the system tells.
READ_AS_THEY_ARE = {
    "ui/theme.py",
    "engine/demo/simulated_labelers.py",
    "engine/demo/writers/planted.py",
    "engine/demo/faces/traits.py",
    "engine/demo/faces/factors.py",
    "engine/study/importing/values/wordings.py",
    "engine/study/importing/names/dialects.py",
    "engine/study/writer_lock.py",
    "engine/processes/worker_streams.py",
    "engine/paths.py",
}

WRITES = frozenset(
    """
    write_text write_bytes unlink rmtree rmdir mkdir makedirs removedirs rename renames
    renameat symlink_to hardlink_to symlink copy2 copyfile copytree chmod lchmod chown
    utime mkfifo mknod setxattr mkstemp mkdtemp NamedTemporaryFile SpooledTemporaryFile
    FileLock SoftFileLock FileHandler RotatingFileHandler TimedRotatingFileHandler
    QSettings QSaveFile QLockFile mkpath removeRecursively extract extractall to_sql
    make_archive fopen create_connection
    """.split()  # noqa: SIM905
)
# Of libraries that take a path: it has to be one that `files.whole` made.
FILLS = frozenset(
    """
    to_csv to_parquet to_excel to_json to_pickle to_feather to_hdf savefig save_file save
    savez savez_compressed savetxt tofile ParquetWriter FileWriter write_sav write_dta
    write_por write_xport save_pretrained print_figure imsave imwrite memmap open_memmap
    """.split()  # noqa: SIM905
)
FILLED = frozenset({"beside", "buffer", "stream"})
OF_THE_SYSTEM = frozenset({"open", "remove", "replace", "link", "truncate", "system", "popen"})
MODE = re.compile(r"(?=.*[wax+])[rwax][bt]?\+?[bt]?")


def _nodes(source: str) -> Iterable[ast.AST]:
    return ast.walk(ast.parse(source))


def writes(nodes: Iterable[ast.AST]) -> set[str]:
    """The names by which a module changes files itself."""
    calls = (node for node in nodes if isinstance(node, ast.Call))
    return {name for call in calls if (name := _writes(call))}


def _writes(call: ast.Call) -> str:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    owner = getattr(getattr(call.func, "value", None), "id", "")
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    texts = [
        node.value
        for argument in arguments
        for node in ast.walk(argument)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    names = {
        node.id
        for argument in arguments
        for node in ast.walk(argument)
        if isinstance(node, ast.Name)
    }
    given = (
        bool(names & FILLED)
        or not call.args  # it gives the text back
        or (name == "memmap" and "r" in texts)
        or (name == "save" and _saves_no_file(call, names))
    )
    alone = len(call.args) == 1 and not call.keywords
    ours = name in ("write_text", "write_bytes") and isinstance(call.func, ast.Name)
    if ours or owner == "files":
        return ""
    if name in ("rename", "extract") and not (alone and not _plain(call.args[0])):
        return ""  # of a table
    changes = (
        name in WRITES
        or (name in FILLS and not given)
        or (owner == "os" and name in OF_THE_SYSTEM)
        or (owner == "sqlite3" and name == "connect" and ":memory:" not in texts)
        or (name == "create_engine" and texts != ["sqlite://"])
        or (name == "replace" and alone and not _plain(call.args[0]))
        or (name == "touch" and not call.args and owner != "self")
        or (name.startswith("Temporary") and any(each.arg == "dir" for each in call.keywords))
        or (
            name != "fdopen"
            and not names & FILLED
            and name.lower().endswith(("open", "file"))
            and any(map(_mode, texts))
        )
    )
    return name if changes else ""


def _saves_no_file(call: ast.Call, names: set[str]) -> bool:
    """A card of the window, bytes in memory, or a record of a run, which `files` writes."""
    on = getattr(call.func, "value", None)
    return (
        isinstance(call.func, ast.Name) or getattr(on, "attr", "") == "_card" or "layout" in names
    )


def _plain(argument: ast.expr) -> bool:
    """No path: a text or a table of what to put instead of what."""
    return isinstance(argument, ast.Constant | ast.Dict)


def _mode(text: str) -> bool:
    return MODE.fullmatch(text) is not None


def test_that_one_module_alone_writes() -> None:
    found = {}
    for path in source_trees.files():
        name = source_trees.place(path)
        others = writes(source_trees.nodes(path)) - ALLOWED.get(name, set())
        if name not in DOORS and others:
            found[name] = others
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        'open(path, "w")',
        'open(file=path, mode="a")',
        'path.open("ab" if done else "wb")',
        'path.open("r+b")',
        'io.open(path, "x")',
        'gzip.open(path, "wt")',
        "os.open(path, flags)",
        "os.remove(path)",
        "os.replace(path, other)",
        "os.link(path, other)",
        "os.truncate(path, 0)",
        'path.write_text("a")',
        'path.write_bytes(b"a")',
        "path.unlink(missing_ok=True)",
        "path.rename(other)",
        "path.replace(other)",
        "path.mkdir()",
        "os.makedirs(path)",
        "path.rmdir()",
        "path.touch()",
        "path.chmod(0o600)",
        "path.symlink_to(other)",
        "shutil.rmtree(path)",
        "rmtree(path)",
        "shutil.copyfile(path, other)",
        "shutil.copy2(path, other)",
        "tempfile.TemporaryDirectory(dir=study)",
        "tempfile.mkstemp()",
        "sqlite3.connect(path)",
        'create_engine(f"sqlite:///{path}")',
        "FileLock(path)",
        "logging.FileHandler(path)",
        "QSettings(str(path), form)",
        "frame.to_csv(path, index=False)",
        "frame.to_parquet(path)",
        "figure.savefig(path)",
        "save_file(tensors, path)",
        "torch.save(model, path)",
        'image.save(path, "JPEG")',
        "window.grab().save(str(path))",
        "np.savez(path, a=a)",
        "np.save(path, a)",
        "a.tofile(path)",
        "pyarrow.parquet.ParquetWriter(path, schema)",
        'zipfile.ZipFile(path, "w")',
        "book.save(path)",
        "pyreadstat.write_sav(frame, str(path))",
        "config.save_pretrained(str(path))",
        "archive.extractall(path)",
        'h5py.File(path, "w")',
        "np.memmap(path, np.uint8)",
    ],
)
def test_that_a_module_that_writes_would_be_found(line: str) -> None:
    assert writes(_nodes(f"def f(path, other, **more):\n    return {line}\n"))


@pytest.mark.parametrize(
    "line",
    [
        'path.open("rb")',
        "path.open()",
        'text.replace("a", "b")',
        "replace(record, name=1)",
        'frame.rename(columns={"a": "b"})',
        "frame.to_csv(beside)",
        "save_file(tensors, beside)",
        "tempfile.TemporaryDirectory()",
        "zipfile.ZipFile(path)",
        "names.remove(name)",
        "frame.to_csv(index=False)",
    ],
)
def test_that_reading_passes(line: str) -> None:
    assert not writes(_nodes(line))


def reads(nodes: Iterable[ast.AST]) -> set[str]:
    """The names by which a module opens files that might not end, or wait for ever."""
    calls = (node for node in nodes if isinstance(node, ast.Call))
    return {name for call in calls if (name := _reads(call))}


def _reads(call: ast.Call) -> str:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    first = call.args[0] if call.args else None
    opens = name == "open" and (
        isinstance(call.func, ast.Name) or getattr(first, "value", "") in ("r", "rb", "rt")
    )
    whole = name in ("read_text", "read_bytes") and isinstance(call.func, ast.Attribute)
    circles = name == "resolve" and not call.args  # it raises RuntimeError of links in a circle
    return name if opens or whole or circles or (name == "ZipFile" and _is_path(first)) else ""


def _is_path(argument: ast.expr | None) -> bool:
    return getattr(argument, "id", "") == "path"


def test_that_what_comes_from_elsewhere_is_opened_in_one_module() -> None:
    found = {}
    for path in source_trees.files():
        name = source_trees.place(path)
        others = reads(source_trees.nodes(path)) - ALLOWED.get(name, set())
        if name not in (*DOORS, *READ_AS_THEY_ARE) and others:
            found[name] = others
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        'path.open("rb")',
        "open(path)",
        "path.read_text()",
        "path.read_bytes()",
        "zipfile.ZipFile(path)",
        "path.resolve()",
    ],
)
def test_that_a_module_that_opens_would_be_found(line: str) -> None:
    assert reads(_nodes(line))
