"""The palette: every colour of the window, once for light and once for dark."""

from dataclasses import dataclass

from prism_desktop.engine.series_colours import ON_DARK, ON_LIGHT


@dataclass(frozen=True, slots=True)
class Tokens:
    """Colours as "#rrggbb"; the style sheet and painted widgets read them by name."""

    dark: bool
    window: str  # behind everything
    rail: str  # the left rail
    surface: str  # cards
    raised: str  # fields and buttons on a card
    hover: str  # a row or button under the pointer
    pressed: str
    border: str  # hairlines
    border_strong: str  # outlines of fields and buttons
    text: str
    muted: str  # secondary text, still readable
    faint: str  # placeholders and disabled text
    accent: str  # the one accent: primary buttons, focus, selection
    accent_hover: str
    accent_focus: str  # ring of a focused primary button
    accent_soft: str  # a wash of the accent: selected rows
    accent_text: str  # accent-coloured text on a surface
    on_accent: str
    good: str
    good_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    track: str  # empty part of bars
    stage: str  # neutral mid-grey behind faces, the same in both themes
    on_stage: str
    # line and bar colours, told apart by colour-blind readers (after Okabe and Ito)
    series: tuple[str, ...]


LIGHT = Tokens(
    dark=False,
    window="#f5f5f7",
    rail="#ececef",
    surface="#ffffff",
    raised="#ffffff",
    hover="#f0f0f3",
    pressed="#e6e6ea",
    border="#e4e4e9",
    border_strong="#cbcbd3",
    text="#1c1c21",
    muted="#5f5f6b",
    faint="#8c8c98",
    accent="#3a5fcd",
    accent_hover="#3152b8",
    accent_focus="#1b2f72",
    accent_soft="#e9eefb",
    accent_text="#3152b8",
    on_accent="#ffffff",
    good="#0b7a68",
    good_soft="#e2f4f0",
    warn="#9a5b00",
    warn_soft="#fdf1dc",
    bad="#b93a12",
    bad_soft="#fcebe5",
    track="#e4e4e9",
    stage="#808080",
    on_stage="#0c0c0e",
    series=ON_LIGHT,
)

DARK = Tokens(
    dark=True,
    window="#161619",
    rail="#111113",
    surface="#1e1e22",
    raised="#26262b",
    hover="#2a2a30",
    pressed="#34343b",
    border="#2d2d33",
    border_strong="#44444d",
    text="#ededf0",
    muted="#a3a3ae",
    faint="#74747f",
    accent="#4f78e6",
    accent_hover="#6389ee",
    accent_focus="#d5e0ff",
    accent_soft="#252f4d",
    accent_text="#9db6ff",
    on_accent="#ffffff",
    good="#4cc2a9",
    good_soft="#17332d",
    warn="#e6ab4a",
    warn_soft="#382b14",
    bad="#f08a63",
    bad_soft="#3d221a",
    track="#34343b",
    stage="#808080",
    on_stage="#0c0c0e",
    series=ON_DARK,
)
