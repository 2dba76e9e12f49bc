"""Language models as files: what is read, what is refused, and in which words. Needs no torch."""

import json
from pathlib import Path

import pytest

from prism_desktop.engine.backbone_names import gives_features_alone
from prism_desktop.engine.backbones import check_weights, parse, require_tower, weights_path
from prism_desktop.engine.backbones.language_files import language_checksum
from prism_desktop.engine.errors import BackboneError, InputError

HEAD = (2).to_bytes(8, "little") + b"{}"  # safetensors without a tensor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A language model as far as its names tell."""
    made = tmp_path / "model"
    made.mkdir()
    (made / "config.json").write_text('{"model_type": "llama", "num_hidden_layers": 2}')
    (made / "model.safetensors").write_bytes(HEAD)
    (made / "tokenizer.json").write_text("{}")
    return made


def spec(folder: Path):
    return parse(f"lm:{folder}")


@pytest.mark.parametrize(
    ("text", "model", "source"),
    [
        ("prism-mini-lm", "prism-mini-lm", "embedded"),
        ("lm:prism-mini-lm", "prism-mini-lm", "embedded"),
        (" lm: HuggingFaceTB/SmolLM2-135M ", "HuggingFaceTB/SmolLM2-135M", "hub"),
        ("lm:/models/mine", "/models/mine", "folder"),
        ("lm:./owner/name", "./owner/name", "folder"),
        ("lm:../owner/name", "../owner/name", "folder"),
        ("lm:owner/..", "owner/..", "folder"),
        ("lm:here", "here", "folder"),
        ("lm:a/b/c", "a/b/c", "folder"),
        ("lm:/models/small.GGUF", "/models/small.GGUF", "gguf"),
    ],
)
def test_that_a_language_model_is_named_by_folder_file_or_the_hubs_name(text, model, source):
    found = parse(text)
    assert (found.kind, found.model, found.source) == ("language", model, source)
    assert parse(found.text) == found
    assert not gives_features_alone(found.text)
    assert found.has_tower


def test_that_a_folder_that_is_there_comes_before_the_hub(tmp_path, monkeypatch):
    (tmp_path / "owner" / "name").mkdir(parents=True)
    (tmp_path / "owner" / "name" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert parse("lm:owner/name").model == str(tmp_path / "owner" / "name")


def test_that_lm_alone_is_answered_with_how_to_write_one():
    with pytest.raises(InputError, match="lm:OWNER/NAME"):
        parse("lm:  ")


def test_that_what_needs_images_is_refused_with_the_way_out():
    with pytest.raises(InputError, match=r"prism-mini-lm reads texts; choose an image backbone"):
        require_tower(parse("prism-mini-lm"), "The method text-token")


def test_that_a_whole_folder_passes(folder):
    check_weights(spec(folder))
    assert weights_path(spec(folder)) == folder / "model.safetensors"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda at: (at / "config.json").unlink(), "config.json cannot be read"),
        (lambda at: (at / "config.json").write_text("[1]"), "holds no settings"),
        (lambda at: (at / "config.json").write_text("{}"), "what kind of model"),
        (lambda at: (at / "tokenizer.json").unlink(), "has no tokenizer.json"),
        (lambda at: (at / "model.safetensors").unlink(), "has no model.safetensors"),
        (lambda at: (at / "model.safetensors").write_bytes(b"\x80\x04."), "is a pickle"),
        (lambda at: (at / "adapter_config.json").write_text("{}"), "holds an adapter"),
    ],
)
def test_that_a_folder_that_is_none_is_refused_in_a_sentence(folder, change, words):
    change(folder)
    with pytest.raises(BackboneError, match=words):
        check_weights(spec(folder))


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("key", ["auto_map", "quantization_config"])
def test_that_a_model_that_asks_for_code_of_its_own_is_refused(folder, file, key):
    path = folder / file
    said = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(said | {key: {"AutoModel": "evil.Model"}}))
    with pytest.raises(BackboneError, match=rf"{key}\), which is never done.*prism-mini-lm"):
        check_weights(spec(folder))


def test_that_a_pickle_alone_is_refused_with_what_to_do(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BackboneError, match=r"pytorch_model.bin is a pickle.*save_pretrained"):
        check_weights(spec(folder))


def test_that_an_index_cannot_name_files_elsewhere(folder, tmp_path):
    (folder / "model.safetensors").rename(tmp_path / "other.safetensors")
    index = {"weight_map": {"a": "../other.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BackboneError, match="are not there"):
        check_weights(spec(folder))


def test_that_a_config_cannot_claim_endless_layers(folder):
    (folder / "config.json").write_text('{"model_type": "llama", "num_hidden_layers": 2000000}')
    with pytest.raises(BackboneError, match="claims 2,000,000 layers"):
        check_weights(spec(folder))


@pytest.mark.parametrize(("content", "words"), [(None, "does not exist"), (b"GIF8", "no GGUF")])
def test_that_a_gguf_file_that_is_none_is_refused(tmp_path, content, words):
    if content is not None:
        (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(BackboneError, match=words):
        check_weights(parse(f"lm:{tmp_path / 'm.gguf'}"))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_that_whatever_changes_the_features_changes_the_checksum(folder, name):
    before = language_checksum(spec(folder))
    assert language_checksum(spec(folder)) == before
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    assert language_checksum(spec(folder)) != before
