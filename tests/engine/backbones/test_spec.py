"""What the user writes as a backbone."""

import subprocess
import sys
from pathlib import Path

import pytest

from prism_desktop.engine.backbones import DEFAULT, parse, require_tower
from prism_desktop.engine.errors import InputError


def test_that_the_embedded_backbone_is_known_by_name() -> None:
    spec = parse(" prism-mini ")
    assert (spec.kind, spec.text, spec.title) == ("folder", "prism-mini", "prism-mini")


def test_that_a_tag_names_pretrained_weights() -> None:
    spec = parse("ViT-B-16:laion2b_s34b_b88k")
    assert (spec.kind, spec.model, spec.source) == ("pretrained", "ViT-B-16", "laion2b_s34b_b88k")


def test_that_openai_weights_get_the_architecture_they_were_trained_with() -> None:
    assert parse("ViT-B-32:openai") == parse(DEFAULT)
    assert parse("ViT-L-14:openai").model == "ViT-L-14-quickgelu"


@pytest.mark.parametrize(
    ("text", "model", "source"),
    [
        ("ViT-B-32:/weights/mine.safetensors", "ViT-B-32", "/weights/mine.safetensors"),
        ("ViT-B-32:mine.safetensors", "ViT-B-32", "mine.safetensors"),
        (r"ViT-B-32:C:\weights\mine.safetensors", "ViT-B-32", r"C:\weights\mine.safetensors"),
        (
            r"D:\mine\config.json:C:\mine\w.safetensors",
            r"D:\mine\config.json",
            r"C:\mine\w.safetensors",
        ),
        ("ViT-B-32:old.pt", "ViT-B-32", "old.pt"),
    ],
)
def test_that_a_path_names_a_local_file(text: str, model: str, source: str) -> None:
    spec = parse(text)
    assert (spec.kind, spec.model, spec.source) == ("file", model, source)


def test_that_a_spec_is_read_again_from_its_text() -> None:
    for text in ("prism-mini", "ViT-B-32:openai", "ViT-B-32:/a/b.safetensors"):
        assert parse(parse(text).text) == parse(text)


def test_that_an_existing_file_is_named_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("w.safetensors", "c.json"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert (
        parse("c.json:w.safetensors").text == f"{tmp_path / 'c.json'}:{tmp_path / 'w.safetensors'}"
    )
    assert parse("ViT-B-32:./w.safetensors").source == str(tmp_path / "w.safetensors")


def test_that_a_folder_made_like_the_embedded_one_is_a_backbone(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert parse(str(tmp_path)).kind == "folder"


@pytest.mark.parametrize("text", ["", "ViT-B-32", "ViT-B-32:", ":openai", "prism-maxi"])
def test_that_nonsense_is_answered_with_how_to_write_one(text: str) -> None:
    with pytest.raises(InputError, match='Write a backbone as "prism-mini"'):
        parse(text)


def test_that_imported_embeddings_are_a_backbone_without_towers() -> None:
    spec = parse(" embeddings:facenet512 ")
    assert (spec.kind, spec.model, spec.has_tower) == ("embeddings", "facenet512", False)
    assert parse(spec.text) == spec
    with pytest.raises(InputError, match="The method text-token needs a network that sees images"):
        require_tower(spec, "The method text-token")
    require_tower(parse("prism-mini"), "The method text-token")


@pytest.mark.parametrize("text", ["embeddings:", "embeddings:../other", "embeddings:/etc/passwd"])
def test_that_embeddings_are_named_without_folders(text: str) -> None:
    with pytest.raises(InputError, match="names no embeddings"):
        parse(text)


def test_that_parsing_needs_no_torch() -> None:
    code = (
        "import sys; from prism_desktop.engine import backbones, device, methods; "
        "backbones.parse('ViT-B-32:openai'); "
        "print({'torch', 'open_clip', 'peft'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"
