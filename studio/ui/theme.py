"""How the studio looks: a Gradio theme with fonts of the machine itself, in light and dark.

Quiet greys so that the pictures carry the colour, one accent, one radius, a grid of 8 px. All text meets
WCAG AA (4.5:1) on its ground. Knows nothing of panels; `static/*.css` builds on these variables.
"""

from __future__ import annotations

from typing import Any

from gradio.themes import Base, Color, Size
from gradio.themes.utils.sizes import text_md

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

IRIS = Color(
    "#f3f3fe",
    "#e6e6fd",
    "#cfcffb",
    "#b0b0f6",
    "#8f8fee",
    "#6d6be3",
    "#5450cf",
    "#4540b0",
    "#37348c",
    "#2b2a6b",
    "#1b1a45",
    name="iris",
)
STONE = Color(
    "#fafafa",
    "#f3f3f4",
    "#e6e6e9",
    "#d2d2d7",
    "#9b9ba5",
    "#6b6b76",
    "#51515b",
    "#3b3b43",
    "#26262c",
    "#1c1c21",
    "#131316",
    name="stone",
)
SPACING = Size("2px", "4px", "4px", "8px", "8px", "16px", "24px", name="spacing_8")
RADIUS = Size("2px", "4px", "6px", "8px", "8px", "12px", "16px", name="radius_8")

_INPUTS: dict[str, Any] = {
    "input_background_fill": "white",
    "input_background_fill_dark": "*neutral_950",
    "input_border_color": "*neutral_300",
    "input_border_color_dark": "*neutral_700",
    "input_border_color_focus": "*primary_500",
    "input_border_color_focus_dark": "*primary_400",
    "input_border_width": "1px",
    "input_padding": "8px 12px",
    "input_placeholder_color": "*neutral_500",
    "input_placeholder_color_dark": "*neutral_400",
    "input_radius": "*radius_lg",
    "input_shadow": "none",
    "input_shadow_focus": "none",
    "slider_color": "*primary_600",
    "slider_color_dark": "*primary_400",
    "checkbox_label_background_fill_selected": "*primary_100",
    "checkbox_label_background_fill_selected_dark": "*primary_900",
    "checkbox_label_border_color_selected": "*primary_600",
    "checkbox_label_border_color_selected_dark": "*primary_400",
    "checkbox_label_text_color_selected": "*primary_800",
    "checkbox_label_text_color_selected_dark": "*primary_100",
    "checkbox_label_shadow": "none",
}

_GROUNDS: dict[str, Any] = {
    "body_background_fill": "*neutral_100",
    "body_background_fill_dark": "*neutral_950",
    "body_text_color": "*neutral_900",
    "body_text_color_dark": "*neutral_100",
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_400",
    "background_fill_primary": "white",
    "background_fill_primary_dark": "*neutral_900",
    "background_fill_secondary": "*neutral_100",
    "background_fill_secondary_dark": "*neutral_800",
    "border_color_primary": "*neutral_200",
    "border_color_primary_dark": "*neutral_800",
    "border_color_accent": "*primary_600",
    "border_color_accent_dark": "*primary_400",
    "color_accent": "*primary_600",
    "color_accent_soft": "*primary_100",
    "color_accent_soft_dark": "*primary_900",
    "block_background_fill": "transparent",
    "block_background_fill_dark": "transparent",
    "block_border_width": "0px",
    "block_border_width_dark": "0px",
    "block_shadow": "none",
    "block_shadow_dark": "none",
    "block_padding": "0px",
    "block_radius": "*radius_lg",
    "block_info_text_size": "*text_sm",
    "block_info_text_color": "*neutral_600",
    "block_info_text_color_dark": "*neutral_400",
    "block_title_text_size": "*text_md",
    "block_title_text_weight": "600",
    "block_title_text_color": "*neutral_900",
    "block_title_text_color_dark": "*neutral_100",
    "form_gap_width": "0px",
    "layout_gap": "16px",
    "shadow_drop": "none",
    "shadow_drop_lg": "0 8px 32px rgb(0 0 0 / 0.18)",
}

_BUTTONS: dict[str, Any] = {
    "button_large_radius": "*radius_lg",
    "button_medium_radius": "*radius_lg",
    "button_small_radius": "*radius_lg",
    "button_large_text_weight": "600",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_dark": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_hover_dark": "*primary_700",
    "button_primary_border_color": "transparent",
    "button_primary_border_color_dark": "transparent",
    "button_primary_text_color": "white",
    "button_primary_text_color_dark": "white",
    "button_secondary_background_fill": "white",
    "button_secondary_background_fill_dark": "*neutral_800",
    "button_secondary_background_fill_hover": "*neutral_100",
    "button_secondary_background_fill_hover_dark": "*neutral_700",
    "button_secondary_border_color": "*neutral_300",
    "button_secondary_border_color_dark": "*neutral_700",
    "button_border_width": "1px",
}


class StudioTheme(Base):
    """The studio's look as a Gradio theme."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=IRIS,
            secondary_hue=IRIS,
            neutral_hue=STONE,
            spacing_size=SPACING,
            radius_size=RADIUS,
            text_size=text_md,
            font=SANS,
            font_mono=MONO,
        )
        self.name = "likeness"
        self.set(**_GROUNDS, **_INPUTS, **_BUTTONS)  # pyright: ignore[reportUnknownMemberType] untyped
