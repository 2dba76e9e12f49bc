"""Which format a file has, told by its first bytes; and what a file is that is no image."""

from pathlib import PurePath

SNIFFED = 512  # bytes that are enough to tell
ENDINGS = {  # format as Pillow names it -> endings of files that hold it
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".hif", ".heics", ".heifs"),
}
FORMATS = tuple(ENDINGS)
SUFFIXES = tuple(ending for endings in ENDINGS.values() for ending in endings)
READABLE = "JPEG, PNG, WEBP, TIFF, GIF, BMP, AVIF or HEIC"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BITMAP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_RAW = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc"),
    *(".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl"),
    *(".sr2", ".srf", ".srw", ".x3f"),
)
_RAW_STARTS = (b"IIRO", b"IIRS", b"IIU\0", b"MMOR", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM")
_STARTS = (  # of what people have beside their photographs
    (b"8BPS", "PSD"),
    (b"gimp xcf", "XCF"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"\0\0\x01\0", "ICO"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"DDS ", "DDS"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"\x1a\x45\xdf\xa3", "Matroska video"),
    (b"7z\xbc\xaf", "7z archive"),
    (b"Rar!", "RAR archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"PAR1", "Parquet table"),
    (b"$FL2", "SPSS table"),
)
_BRANDS = {b"crx ": "camera raw", b"qt  ": "QuickTime video", b"M4A ": "MPEG-4 sound"}
_ZIPPED = {
    ".xlsx": "Excel workbook",
    ".xlsm": "Excel workbook",
    ".ods": "OpenDocument table",
    ".docx": "Word document",
    ".pptx": "PowerPoint document",
}
_TEXTS = {
    ".csv": "CSV table",
    ".tsv": "TSV table",
    ".json": "JSON",
    ".jsonl": "JSON",
    ".md": "text",
    ".html": "web page",
    ".htm": "web page",
}
# Files that operating systems leave in folders of photographs.
_LITTER = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx"})


def is_litter(name: str) -> bool:
    """Whether a file or folder is hidden or an operating system's own, never an image."""
    return name.startswith(".") or name.lower() in _LITTER


def image_format(start: bytes, name: str = "") -> str | None:
    """The format of a file by its first bytes, one of `FORMATS`; None if it is no image to be read.

    Args:
        start: the first `SNIFFED` bytes.
        name: the file's name: camera raw files begin as TIFF does, and what TIFF readers find in
            them is a preview.
    """
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "WEBP"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if start.startswith(_TIFF):
        raw = start[8:10] == b"CR" or PurePath(name).suffix.lower() in _RAW
        return None if raw else "TIFF"
    if start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in _BITMAP_HEADERS:
        return "BMP"
    return _boxed(start)


def _boxed(start: bytes) -> str | None:
    """AVIF and HEIF, told apart by the brands that the file declares."""
    if start[4:8] != b"ftyp":
        return None
    length = min(int.from_bytes(start[:4], "big"), len(start))
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, length - 3, 4))]
    if b"avif" in brands or b"avis" in brands:
        return "AVIF"
    if any(brand[:3] in (b"hei", b"hev") or brand in (b"mif1", b"msf1") for brand in brands):
        return "HEIF"
    return None


def belongs(name: str, format: str) -> bool:  # noqa: A002
    """Whether the ending is one of the format's, or one that names no format of images."""
    suffix = PurePath(name).suffix.lower()
    return suffix in ENDINGS[format] or suffix not in SUFFIXES


def told(format: str) -> str:  # noqa: A002
    """A format's name for a reader."""
    return {"HEIF": "HEIC", "WEBP": "WebP"}.get(format, format)


def describe(start: bytes, name: str) -> str:
    """What a file is that is no image to be read: "SVG", "PSD", "camera raw (.CR2)", "text".

    Args:
        start: the first `SNIFFED` bytes.
        name: the file's name; its ending decides only what the bytes leave open.
    """
    suffix = PurePath(name).suffix
    if not start:
        return "empty file"
    if start.startswith(_RAW_STARTS) or (start.startswith(_TIFF) and suffix.lower() in _RAW):
        return f"camera raw ({suffix})" if suffix else "camera raw"
    if start.startswith(_TIFF) and start[8:10] == b"CR":
        return f"camera raw ({suffix})" if suffix else "camera raw"
    for known, what in _STARTS:
        if start.startswith(known):
            return what
    if start[4:8] == b"ftyp":
        what = _BRANDS.get(start[8:12], "MPEG-4 video")
        return f"{what} ({suffix})" if what == "camera raw" and suffix else what
    if start.startswith(b"PK\x03\x04"):
        return _ZIPPED.get(suffix.lower(), "ZIP archive")
    if start.startswith(b"RIFF"):
        return {b"AVI ": "AVI video", b"WAVE": "WAV sound"}.get(start[8:12], "RIFF file")
    return _described_text(start, suffix)


def _described_text(start: bytes, suffix: str) -> str:
    if b"<svg" in start.lower():
        return "SVG"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return "web page"
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    if wide or not any(byte < 9 or 13 < byte < 27 for byte in start):
        return _TEXTS.get(suffix.lower(), "text")
    if suffix.lower() in _RAW:
        return f"camera raw ({suffix})"
    return f"unknown format ({suffix})" if suffix else "unknown format"
