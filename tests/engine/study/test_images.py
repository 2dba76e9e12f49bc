"""Reading images: one way for all, and nothing that
a hostile or broken file can do but be named."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Notice
from prism_desktop.engine.study import images
from prism_desktop.engine.study.pixel_cache import PixelCache, square
from prism_desktop.engine.study.records import NewImage
from prism_desktop.engine.study.store import Study


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_that_the_four_formats_open_as_rgb(tmp_path: Path, suffix: str) -> None:
    image = images.open_image(
        save(tmp_path / f"a.{suffix}", Image.new("RGB", (20, 10), (200, 30, 30)))
    )
    assert (image.mode, image.size) == ("RGB", (20, 10))
    red, green, _ = image.getpixel((5, 5))  # type: ignore[misc]
    assert red > 180
    assert green < 50


def test_that_rotation_in_exif_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    path = save(tmp_path / "a.jpg", Image.new("RGB", (20, 10)), exif=exif)
    assert images.open_image(path).size == (10, 20)
    assert images.read_image(path, "a.jpg")[3:] == (10, 20)


def test_that_transparency_lies_on_mid_grey_and_16_bit_greys_keep_their_tone(
    tmp_path: Path,
) -> None:
    clear = images.open_image(
        save(tmp_path / "clear.png", Image.new("RGBA", (4, 4), (255, 0, 0, 0)))
    )
    assert clear.getpixel((0, 0)) == (128, 128, 128)
    deep = Image.fromarray(np.full((4, 4), 32768, np.uint16))
    assert images.open_image(save(tmp_path / "deep.png", deep)).getpixel((0, 0)) == (128, 128, 128)


def test_that_what_is_no_good_image_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = save(
        tmp_path / "whole.jpg", Image.effect_noise((64, 64), 50).convert("RGB")
    ).read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("not an image")
    (tmp_path / "drawn.jpg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "printed.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    for name, reason in (
        ("half", "damaged"),
        ("text", r"no JPEG, .* or HEIC image \(text\)"),
        ("drawn", r"\(SVG\)"),
        ("printed", r"\(PostScript\)"),
        ("gone", "is missing"),
    ):
        with pytest.raises(InputError, match=reason):
            images.open_image(tmp_path / f"{name}.jpg")
    with pytest.raises(InputError, match=r"text\.jpg is no JPEG"):
        images.read_image(tmp_path / "text.jpg", "text.jpg")
    bomb = save(tmp_path / "bomb.png", Image.new("1", (12_000, 12_000)))
    with pytest.raises(InputError, match=r"bomb\.png .*to be opened safely"):
        images.open_image(bomb)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(InputError, match="too large to be opened safely"):
        images.open_image(bomb)


def test_that_images_are_found_below_a_folder_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("b/2.JPG", "b/1.png", "a/x.webp", ".hidden/y.jpg", "b/.z.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in images.find_images(tmp_path)] == [
        "a/x.webp",
        "b/1.png",
        "b/2.JPG",
    ]


def test_that_images_are_copied_in_once_and_whole(tiny_study: Study, tmp_path: Path) -> None:
    new = images.read_image(save(tmp_path / "new.png", Image.new("RGB", (9, 9))), "new.png")
    copy = images.copy_in(tiny_study.path, new)
    assert copy.path == tiny_study.path / "images" / new.sha256[:2] / f"{new.sha256}.png"
    assert images.hash_file(copy.path) == new.sha256
    assert images.copy_in(tiny_study.path, new) == copy
    tiny_study.add_images([copy], copied=True)
    new.path.unlink()
    assert not tiny_study.image("new.png").missing
    lying = NewImage(copy.path, "x", "b" * 64, 9, 9)
    with pytest.raises(InputError, match="changed while it was copied"):
        images.copy_in(tiny_study.path, lying)
    assert [file for file in (tiny_study.path / "images").rglob("*") if file.is_file()] == [
        copy.path
    ]


def test_that_thumbnails_are_made_once_and_broken_images_skipped(tiny_study: Study) -> None:
    records = tiny_study.images()
    records[0].path.write_bytes(b"broken")
    events = list(images.make_thumbnails(tiny_study.path, records))
    assert [event.text for event in events if isinstance(event, Notice)] == [
        f"{records[0].name} is no JPEG, PNG, WEBP, TIFF, GIF, BMP, AVIF or HEIC image (text). "
        "It has no thumbnail."
    ]
    assert events[-1] == Done(23)
    made = images.thumbnail(tiny_study.path, records[1])
    assert made == images.thumbnail_path(tiny_study.path, records[1].id)
    with Image.open(made) as small:
        assert small.format == "JPEG"


def test_that_large_thumbnails_fit_256_px(tiny_study: Study, tmp_path: Path) -> None:
    new = images.read_image(save(tmp_path / "wide.jpg", Image.new("RGB", (1500, 500))), "wide.jpg")
    tiny_study.add_images([new])
    with Image.open(images.thumbnail(tiny_study.path, tiny_study.image(new.sha256))) as small:
        assert small.size == (256, 85)


def test_that_the_cache_holds_what_the_canonical_decode_gives(tiny_study: Study) -> None:
    records = tiny_study.images()
    cache = PixelCache(tiny_study.path / "cache", 32)
    done = list(cache.build((image.id, image.path) for image in records))[-1]
    assert isinstance(done, Done)
    assert (done.value.rows, done.value.added, done.value.broken) == (24, 24, ())
    pixels = cache.pixels([image.id for image in records])
    assert (pixels.shape, pixels.dtype) == ((24, 32, 32, 3), np.uint8)
    for image, row in zip(records, pixels, strict=True):
        assert np.array_equal(row, np.asarray(square(images.open_image(image.path), 32)))
    assert len(list(cache.build((image.id, image.path) for image in records))) == 2


def test_that_the_cache_grows_and_leaves_out_what_changed(tiny_study: Study) -> None:
    records = tiny_study.images()
    cache = PixelCache(tiny_study.path / "cache", 16)
    list(cache.build((image.id, image.path) for image in records[:5]))
    records[6].path.write_bytes(records[7].path.read_bytes())
    records[8].path.unlink()
    events = list(cache.build((image.id, image.path) for image in records))
    done = events[-1]
    assert isinstance(done, Done)
    assert (done.value.rows, done.value.added) == (22, 17)
    assert {image for image, _ in done.value.broken} == {records[6].id, records[8].id}
    assert "changed since" in dict(done.value.broken)[records[6].id]
    assert len([event for event in events if isinstance(event, Notice)]) == 2
    with pytest.raises(InputError, match="not in the cache"):
        cache.pixels([records[8].id])


def test_that_a_crash_between_pixels_and_index_costs_only_that_batch(tiny_study: Study) -> None:
    records = tiny_study.images()
    cache = PixelCache(tiny_study.path / "cache", 16)
    list(cache.build((image.id, image.path) for image in records[:8]))
    data, index = (
        tiny_study.path / "cache" / f"pixels-16-{images.DECODING}.u8",
        tiny_study.path / "cache" / f"pixels-16-{images.DECODING}.ids",
    )
    with data.open("ab") as file:
        file.write(b"half a row")
    with index.open("ab") as file:
        file.write(records[20].id[:30].encode())
    assert len(cache.rows()) == 8
    list(cache.build((image.id, image.path) for image in records))
    wanted = [image.id for image in records]
    again = PixelCache(tiny_study.path / "other", 16)
    list(again.build((image.id, image.path) for image in records))
    assert np.array_equal(cache.pixels(wanted), again.pixels(wanted))


def test_that_squares_are_cut_from_the_middle() -> None:
    image = Image.new("RGB", (60, 20))
    image.paste((255, 255, 255), (20, 0, 40, 20))
    assert np.asarray(square(image, 20)).min() == 255
    assert square(Image.new("RGB", (31, 57)), 20).size == (20, 20)


def test_that_bytes_open_as_files_do(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.effect_noise((16, 16), 40))
    assert (
        images.open_image(BytesIO(path.read_bytes())).tobytes() == images.open_image(path).tobytes()
    )


def test_that_pixels_decoded_by_older_rules_are_not_used(tiny_study: Study) -> None:
    records = tiny_study.images()[:2]
    folder = tiny_study.path / "cache"
    folder.mkdir(exist_ok=True)
    old = [folder / "pixels-16.u8", folder / "pixels-16.ids"]
    old[0].write_bytes(bytes(2 * 16 * 16 * 3))
    old[1].write_text("".join(f"{image.id}\n" for image in records))
    cache = PixelCache(folder, 16)
    assert cache.rows() == {}
    list(cache.build((image.id, image.path) for image in records))
    assert cache.pixels([records[0].id]).any()
    assert not any(file.exists() for file in old)
