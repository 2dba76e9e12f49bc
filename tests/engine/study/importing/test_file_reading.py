"""Text tables in every encoding and dialect, and their header rows."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.reading.file_reading import read_data_tables


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    """A file with that content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes, recipe: Recipe = Recipe()) -> DataTable:  # noqa: B008
    """The only table of a file with that content."""
    (table,) = read_data_tables(written(folder, content), recipe)
    return table


def names(table: DataTable) -> list[str]:
    return [column.name for column in table.columns]


def rows(table: DataTable) -> list[tuple[str, ...]]:
    return list(zip(*(column.texts() for column in table.columns), strict=True))


def cells_of(table: DataTable, column: str) -> list[str]:
    return list(table.column(column).texts())


GERMAN = [
    ("Versuchsperson", "Bild", "Attraktivität"),
    ("Jürgen Müller", "größe_01.jpg", "5"),
    ("Zoë", "mädchen_02.jpg", "6"),
    ("Søren Åberg", "façade_03.jpg", "2"),
]
RUSSIAN = [
    ("участник", "фото", "оценка"),
    ("Анна Петрова", "лицо_01.jpg", "5"),
    ("Сергей", "лицо_02.jpg", "6"),
    ("Ольга", "лицо_03.jpg", "2"),
]
JAPANESE = [
    ("参加者", "画像", "魅力"),
    ("田中さん", "かお_01.jpg", "5"),
    ("鈴木", "かお_02.jpg", "6"),
    ("山本ひろし", "カオ_03.jpg", "2"),
]
CHINESE = [
    ("参与者", "图片", "吸引力"),
    ("王小明", "照片_01.jpg", "5"),
    ("李华", "照片_02.jpg", "6"),
    ("张伟", "照片_03.jpg", "2"),
]
ENCODINGS = [
    ("utf-8", GERMAN),
    ("utf-8-sig", GERMAN),
    ("utf-16", GERMAN),
    ("utf-16-le", GERMAN),
    ("utf-16-be", GERMAN),
    ("utf-32", GERMAN),
    ("cp1252", GERMAN),
    ("latin-1", GERMAN),
    ("mac-roman", GERMAN),
    ("utf-8", RUSSIAN),
    ("cp1251", RUSSIAN),
    ("koi8-r", RUSSIAN),
    ("utf-16-le", JAPANESE),
    ("shift-jis", JAPANESE),
    ("utf-8", JAPANESE),
    ("gbk", CHINESE),
    ("utf-8", CHINESE),
]
SAID = {"utf-8", "utf-8-sig", "utf-16", "utf-32"}  # what is certain


def line(cells: Sequence[str], delimiter: str, quote: str) -> str:
    return delimiter.join(f"{quote}{cell}{quote}" for cell in cells)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(("encoding", "people"), ENCODINGS)
def test_that_names_come_out_right_in_every_encoding_and_dialect(
    tmp_path: Path, encoding: str, people: list[tuple[str, ...]], delimiter: str
) -> None:
    for quote, end in itertools.product(("", '"', "'"), ("\n", "\r\n", "\r")):
        text = end.join(line(row, delimiter, quote) for row in people) + end
        table = read(tmp_path, text.encode(encoding))
        assert names(table) == list(people[0])
        assert rows(table) == people[1:]
        assert table.rows.tolist() == [2, 3, 4]
        assert table.reading.delimiter == delimiter
        guessed = encoding not in SAID
        assert bool(table.reading.notices) == guessed, (quote, end, table.reading.notices)


def test_that_a_given_encoding_is_used_and_one_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "rater,image,rating\nMüller,a.jpg,3\n".encode("mac-roman"))
    (table,) = read_data_tables(path, Recipe(encoding="mac-roman"))
    assert table.column("rater").values == ("Müller",)
    with pytest.raises(InputError, match=r"not in utf-8.*Nothing was imported"):
        read_data_tables(path, Recipe(encoding="utf-8"))
    with pytest.raises(InputError, match="no text encoding"):
        read_data_tables(path, Recipe(encoding="klingon"))
    with pytest.raises(InputError, match="no text encoding"):
        read_data_tables(path, Recipe(encoding="base64"))


def test_that_a_second_plausible_encoding_is_told_with_how_names_would_read(tmp_path: Path) -> None:
    table = read(tmp_path, "rater,image,rating\nM¸ller,a.jpg,3\n".encode("cp1252"))
    assert any("might be in" in notice for notice in table.reading.notices)


def test_that_single_bytes_of_windows_in_a_utf8_file_are_told(tmp_path: Path) -> None:
    good = "".join(f"Zoë {n},a{n}.jpg,3\n" for n in range(9)).encode()
    table = read(tmp_path, b"rater,image,rating\n" + good + b"J\xfcrgen,b.jpg,4\n")
    assert table.column("rater").texts().__next__() == "Zoë 0"
    assert table.column("rater").text(9) == "Jürgen"
    assert "1 byte," in table.reading.notices[0]


LONG = [("R01", "X001.jpg", "3"), ("R02", "X001.jpg", "5"), ("R01", "X002.jpg", "4")]
HEAD = "rater,image,rating\n"
BODY = "R01,X001.jpg,3\nR02,X001.jpg,5\nR01,X002.jpg,4\n"

# content, numbers of the rows, reasons for which others are left out, pieces of notices
DIALECTS = {
    "plain": (HEAD + BODY, [2, 3, 4], [], []),
    "no end of the last line": ((HEAD + BODY).rstrip(), [2, 3, 4], [], []),
    "blank lines": ("\n" + HEAD + "\n" + BODY + "\n\n", [4, 5, 6], [], []),
    "lines of delimiters": (HEAD + ",,\n" + BODY + ",,\n", [3, 4, 5], [], []),
    "sep": ("sep=,\n" + HEAD + BODY, [3, 4, 5], [], []),
    "sep semicolon": (("sep=;\n" + HEAD + BODY).replace(",", ";"), [3, 4, 5], [], []),
    "trailing delimiter": ((HEAD + BODY).replace("\n", ",\n"), [2, 3, 4], [], []),
    "title": ("My study\n" + HEAD + BODY, [3, 4, 5], ["above"], []),
    "title padded": ("My study,,\n,,\n" + HEAD + BODY, [4, 5, 6], ["above"], []),
    "facts above": ("Study,Faces\nDate,2026\n\n" + HEAD + BODY, [5, 6, 7], ["above"], []),
    "comments above": ("# by X, 2026\n# a\n" + HEAD + BODY, [4, 5, 6], ["comments", "above"], []),
    "comments between": (HEAD + BODY + "# end of part 1\n", [2, 3, 4], ["comments"], []),
    "commented header": ("# " + HEAD + BODY, [2, 3, 4], [], []),
    "header again": (
        HEAD + "R01,X001.jpg,3\n" + HEAD + "R02,X001.jpg,5\nR01,X002.jpg,4\n",
        [2, 4, 5],
        ["header again"],
        [],
    ),
    "too many cells": (
        HEAD + "R01,X001.jpg,3\nSmith, Jo,X009.jpg,9\nR02,X001.jpg,5\nR01,X002.jpg,4\n",
        [2, 4, 5],
        ["more cells"],
        [],
    ),
    "blanks after delimiters": (
        'rater, image, "rating"\nR01, X001.jpg, "3"\nR02, X001.jpg, "5"\nR01, X002.jpg, "4"\n',
        [2, 3, 4],
        [],
        [],
    ),
    "R writes": (
        '"rater" "image" "rating"\n"1" "R01" "X001.jpg" 3\n"2" "R02" "X001.jpg" 5\n'
        '"3" "R01" "X002.jpg" 4\n',
        [2, 3, 4],
        [],
        ["does not name the first column"],
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_that_a_dialect_gives_the_same_table(tmp_path: Path, name: str) -> None:
    content, numbers, reasons, notices = DIALECTS[name]
    table = read(tmp_path, content)
    wanted = [table.column(column) for column in ("rater", "image", "rating")]
    assert list(zip(*(column.texts() for column in wanted), strict=True)) == LONG
    assert table.rows.tolist() == numbers
    assert len(table.columns) == (4 if name == "R writes" else 3)
    assert len(table.left_out) == len(reasons)
    for reason, left_out in zip(reasons, table.left_out, strict=True):
        assert reason in left_out.reason
    assert len(table.reading.notices) == len(notices)
    for piece, notice in zip(notices, table.reading.notices, strict=True):
        assert piece in notice


def test_that_rows_are_numbered_by_their_lines_where_cells_hold_line_breaks(
    tmp_path: Path,
) -> None:
    table = read(tmp_path, 'rater,note,rating\nR01,"two\r\nlines",3\r\nR02,"a\n\nb",4\nR03,x,5\n')
    assert table.rows.tolist() == [2, 4, 7]
    assert table.column("note").values == ("two\r\nlines", "a\n\nb", "x")


def test_that_blanks_around_cells_stay_and_cells_of_blanks_are_empty(tmp_path: Path) -> None:
    table = read(tmp_path, "rater,image,rating\n R01 , a.jpg,  \nR02,b.jpg,3\n")
    assert rows(table) == [(" R01 ", " a.jpg", ""), ("R02", "b.jpg", "3")]


def test_that_formulas_made_harmless_by_an_export_are_restored(tmp_path: Path) -> None:
    table = read(tmp_path, "rater,image,rating\n'=Anna,'-1.jpg,3\n''s,b.jpg,4\n'tis,=c.jpg,5\n")
    assert rows(table) == [("=Anna", "-1.jpg", "3"), ("'s", "b.jpg", "4"), ("'tis", "=c.jpg", "5")]


DECIMALS = [
    ("rater;rating\nA;3,5\nB;4\n", True),
    ("rater;rating\nA;3.5\nB;4\n", False),
    ("rater\trating\nA\t3,25\nB\t4,5\n", True),
    ('rater,rating\nA,"3,5"\nB,"4,5"\n', True),
    ('rater,rating\nA,"1,234"\nB,"2,345"\n', False),
    ("rater;rating\nA;3\nB;4\n", False),
    ("rater,rating\nA,3.5\nB,4\n", False),
]


@pytest.mark.parametrize(("content", "comma"), DECIMALS)
def test_that_the_decimal_sign_is_told_by_the_values(
    tmp_path: Path, content: str, comma: bool
) -> None:
    table = read(tmp_path, content)
    assert table.reading.decimal_comma == comma
    assert any("decimal sign" in notice for notice in table.reading.notices) == comma


def test_that_a_given_decimal_sign_and_delimiter_are_used(tmp_path: Path) -> None:
    table = read(tmp_path, "rater;rating\nA;3,5\nB;4\n", Recipe(decimal="."))
    assert not table.reading.decimal_comma
    table = read(tmp_path, "rater:rating\nA:3\nB:4\n", Recipe(delimiter=":"))
    assert names(table) == ["rater", "rating"]
    with pytest.raises(InputError, match="one character"):
        read(tmp_path, "rater:rating\nA:3\n", Recipe(delimiter="::"))


def test_that_a_file_without_header_gets_numbered_columns_and_says_so(tmp_path: Path) -> None:
    table = read(tmp_path, BODY)
    assert names(table) == ["column 1", "column 2", "column 3"]
    assert rows(table) == LONG
    assert table.reading.header_rows == ()
    assert "names no columns" in table.reading.notices[0]


HEADERS = [
    "X001.jpg,X002.jpg,X003.jpg\n5,4,3\n2,3,4\n",
    "rater,1,2,3\nA,5,4,3\nB,2,3,4\n",
    "1,2,3,4\n5,4,3,1\n2,3,4,4\n",
    "rater,image,rating\nrater1,X1.jpg,3\n",
    "image,R01,R02\nX001.jpg,3,4\nX002.jpg,1,2\n",
]


@pytest.mark.parametrize("content", HEADERS)
def test_that_a_matrix_keeps_its_header(tmp_path: Path, content: str) -> None:
    table = read(tmp_path, content)
    assert names(table) == content.split("\n")[0].split(",")
    assert table.reading.header_rows == (1,)


IDS = '"{""ImportId"":""pid""}","{""ImportId"":""img""}","{""ImportId"":""QID1""}"\n'
QUESTIONS = "Participant,Which image,How attractive is this face?\n"
NAMES = "participant,image,attractive\n"
QUALTRICS = [
    (NAMES + QUESTIONS + IDS + BODY, (1, 2), True, 1),
    (NAMES + IDS + BODY, (1,), False, 1),
    (NAMES + QUESTIONS + BODY, (1, 2), True, 0),
    (NAMES + BODY, (1,), False, 0),
    (NAMES + QUESTIONS + IDS + BODY + NAMES + QUESTIONS + IDS, (1, 2), True, 2),
]


@pytest.mark.parametrize(("content", "headers", "titled", "left_out"), QUALTRICS)
def test_that_further_header_rows_become_titles_or_are_left_out(
    tmp_path: Path, content: str, headers: tuple[int, ...], titled: bool, left_out: int
) -> None:
    table = read(tmp_path, content)
    assert names(table) == ["participant", "image", "attractive"]
    assert rows(table) == LONG
    assert table.reading.header_rows == headers
    assert table.column("attractive").title == ("How attractive is this face?" if titled else "")
    assert len(table.left_out) == left_out


def test_that_short_titles_of_several_words_are_titles_and_single_words_are_data(
    tmp_path: Path,
) -> None:
    titled = read(tmp_path, "n,age,rating\nthe day,your age,how nice\n1,31,4\n2,25,3\n3,44,1\n")
    assert cells_of(titled, "age") == ["31", "25", "44"]
    assert titled.column("age").title == "your age"
    words = read(tmp_path, "n,age,rating\nnone,unknown,refused\n1,31,4\n2,25,3\n3,44,1\n")
    assert cells_of(words, "age") == ["unknown", "31", "25", "44"]


def test_that_a_first_row_with_a_remark_for_an_answer_stays_data(tmp_path: Path) -> None:
    table = read(
        tmp_path, "rater,image,rating,note\nA,a.jpg,no answer given,hi\nB,b.jpg,4,x\nC,c.jpg,5,y\n"
    )
    assert cells_of(table, "rating") == ["no answer given", "4", "5"]


def test_that_a_second_header_row_which_is_a_guess_is_told(tmp_path: Path) -> None:
    table = read(tmp_path, NAMES + QUESTIONS + BODY)
    assert "Row 2 was read as a part of the header" in table.reading.notices[0]


def test_that_western_names_are_not_called_central_european(tmp_path: Path) -> None:
    table = read(tmp_path, "rater;image;rating\nJosé;a.jpg;3\nÖzil;b.jpg;4\n".encode("cp1252"))
    assert cells_of(table, "rater") == ["José", "Özil"]
    assert table.reading.encoding == "cp1252"


def test_that_columns_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    table = read(tmp_path, "rater,rating,rating,\nA,3,4,x\nB,4,5,\n")
    assert names(table) == ["rater", "rating", "rating (2)", "column 4"]
    assert "More than one column is called “rating”" in table.reading.notices[0]


def test_that_json_in_cells_becomes_columns(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        'subject,stimulus,response\nR01,a.jpg,"{""Q0"":3,""Q1"":""yes""}"\nR01,b.jpg,space\n'
        'R02,a.jpg,"{""Q0"":[5]}"\n',
    )
    assert names(table) == ["subject", "stimulus", "response", "response.Q0", "response.Q1"]
    assert list(table.column("response.Q0").texts()) == ["3", "", "5"]
    assert list(table.column("response").texts()) == ["", "space", ""]


def test_that_short_rows_are_told(tmp_path: Path) -> None:
    table = read(tmp_path, "rater,image,rating\nA,a.jpg\nB,b.jpg,4\nC,c.jpg,5\n")
    assert rows(table)[0] == ("A", "a.jpg", "")
    assert "1 row has fewer cells" in table.reading.notices[0]
    assert "row 2" in table.reading.notices[0]


def test_that_many_rows_are_read_as_few_are(tmp_path: Path) -> None:
    lines = [f"R{n % 7},face {n}.jpg,{n % 5}" for n in range(50_000)]
    lines[30_000] = 'R9,"a\nb",9'
    table = read(tmp_path, HEAD + "\n".join(lines))
    assert len(table) == 50_000
    assert table.rows[[0, 30_000, 30_001, -1]].tolist() == [2, 30_002, 30_004, 50_002]
    assert table.column("image").text(49_999) == "face 49999.jpg"
    assert table.column("rating").counts().sum() == 50_000


# content, what the refusal says
REFUSED = {
    "empty": (b"", "no rows"),
    "blanks": (b"\n \n", "no rows"),
    "header only": (b"rater,image,rating\n", "no rows"),
    "binary": (bytes(range(256)) * 20, "no table"),
    "NUL in text": (b"rater,image,rating\nA,a.jpg,\x00\n" * 9, "no table|NUL"),
    "NUL late": (b"rater,image,rating\n" * 9000 + b"A,a.jpg,\x00\n", "NUL"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "locked"),
    "PDF": (b"%PDF-1.7\n1 0 obj", "PDF"),
    "image": (b"\x89PNG\r\n\x1a\n" + bytes(99), "image"),
    "gzip": (b"\x1f\x8b\x08" + bytes(99), "unpack"),
    "web page": (b"<!DOCTYPE html><html></html>", "web page"),
    "open quote": (
        b'rater,note,rating\nA,"never closed,3\nB,x,4\nC,y,5,6\nD,z,7\n',
        "never closed",
    ),
    "too wide": (b",".join(b"c" for _ in range(17_000)) + b"\n1,2\n", "too many"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_that_what_is_no_table_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    content, words = REFUSED[name]
    with pytest.raises(InputError, match=words) as refusal:
        read(tmp_path, content)
    assert str(refusal.value).endswith("Nothing was imported.")


def test_that_a_quotation_mark_at_the_start_of_a_word_costs_no_row(tmp_path: Path) -> None:
    table = read(tmp_path, 'rater,note,rating\nA,"big" nose,3\nB,5" tall,4\nC,y,5\n')
    assert [row[0] for row in rows(table)] == ["A", "B", "C"]
    assert "quotation marks" in table.reading.notices[0]
    table = read(tmp_path, 'rater,note,rating\nA,"open,3\nB,x,4\nC,y,5\n')
    assert rows(table) == [("A", '"open', "3"), ("B", "x", "4"), ("C", "y", "5")]


def test_that_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_data_tables(tmp_path / "none.csv")
