from __future__ import annotations

from tests.e2e.harness import StudioProcess
from tests.studio.test_api_images import problem

WISH = {"label": "Rain", "group": "weather", "says": [{"words": "in the rain"}]}


def test_presets_over_rest(rest: StudioProcess) -> None:
    page = rest.api("GET", "/presets", params={"mode": "text_to_image", "model": "tiny"}).json()
    assert {"light", "style"} <= {item["group"] for item in page["items"]}
    made = rest.api("POST", "/presets", json=WISH)
    assert (made.status_code, made.json()["id"]) == (201, "rain")
    asked = {"model": "tiny", "prompt": "a man"}
    applied = rest.api("POST", "/presets/rain/apply", json={"request": asked}).json()
    assert applied["on"]
    assert applied["request"] == {**asked, "prompt": "a man, in the rain"}
    changed = rest.api("PUT", "/presets/rain", json={**WISH, "label": "Snow", "says": [{"words": "in snow"}]})
    assert changed.json()["says"]["words"] == "in snow"
    text = rest.api("GET", "/presets/file")
    assert "in snow" in text.text
    taken = rest.api("POST", "/presets/file", files={"file": ("mine.yaml", text.content)}).json()
    assert taken == {"added": [], "replaced": ["rain"]}
    assert rest.api("DELETE", "/presets/rain").status_code == 204
    assert rest.api("DELETE", "/presets/rain").status_code == 404
    assert rest.api("DELETE", "/presets/rim").status_code == 409
    assert rest.api("PUT", "/presets/No such id", json=WISH).status_code == 404


def test_a_bad_file_is_refused_in_words(rest: StudioProcess) -> None:
    for content in (b"\xff\xfe", b"presets: [{id: 1}]", b""):
        answer = rest.api("POST", "/presets/file", files={"file": ("mine.yaml", content)})
        assert answer.status_code == 422
        assert "mine.yaml" in problem(answer)["detail"]
    assert rest.api("GET", "/presets", params={"model": "nobody"}).status_code == 404
