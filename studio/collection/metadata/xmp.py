"""XMP: says to everybody's software that a model made the picture, and out of what; and reads such packets.

Written with IPTC's DigitalSourceType and Adobe's names for derivation. Packets of others are hostile:
no document types, no entities.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

from pipelines.request import Role
from studio.collection.metadata.likeness import Likeness

RECORD = "likeness:Record"
_MAX_CHARS = 4 * 2**20
_TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_NAMESPACES = {
    "xmlns:xmp": "http://ns.adobe.com/xap/1.0/",
    "xmlns:xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmlns:stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "xmlns:Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
_OWN_NAMESPACE = {"xmlns:likeness": "urn:likeness:1"}


def source_type(likeness: Likeness) -> str:
    """IPTC's term: a composite where a source picture went in, else made by a model alone."""
    composite = any(parent.role is Role.SOURCE for parent in likeness.parents)
    return _TERMS + ("compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia")


def packet(likeness: Likeness, *, with_record: bool = False) -> str:
    """The XMP packet of one picture; `with_record` puts the `likeness` JSON in it, for files without chunks.

    Documents are named by their pixels' hash, so that they stay the same whatever file format they are in.
    """
    attributes = {
        **_NAMESPACES,
        "rdf:about": "",
        "xmp:CreatorTool": likeness.software,
        "xmp:CreateDate": likeness.created_at.isoformat(),
        "xmpMM:DocumentID": _document(likeness.pixel_sha256),
        "xmpMM:InstanceID": _document(likeness.pixel_sha256),
        "Iptc4xmpExt:DigitalSourceType": source_type(likeness),
    }
    if with_record:
        attributes |= {**_OWN_NAMESPACE, RECORD: likeness.text()}
    description = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description {description}>{_derivation(likeness)}</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    )


def values(text: str, name: str) -> tuple[str, ...]:
    """Every value of a property, in any namespace, as attribute or element; none from a broken packet."""
    root = _parsed(text)
    waiting = [] if root is None else [root]
    found: list[str] = []
    while waiting:
        element = waiting.pop()
        found += [value for key, value in element.attrib.items() if _local(key) == name]
        if _local(element.tag) == name:  # what is inside belongs to it, and is not asked again
            found.append("".join(element.itertext()).strip())
        else:
            waiting += reversed(element)
    return tuple(value for value in found if value)


def _parsed(text: str) -> ET.Element | None:
    if len(text) > _MAX_CHARS or "<!" in text:  # a document type could define entities
        return None
    begin = text.find("<x:xmpmeta")
    body = text[begin:] if begin >= 0 else text
    try:
        return ET.fromstring(body.partition("<?xpacket end")[0].strip("\0 \n\r\t\ufeff"))
    except (ET.ParseError, ValueError):
        return None


def _local(name: object) -> str:
    return name.rpartition("}")[2] if isinstance(name, str) else ""


def _document(pixel_sha256: str) -> str:
    return f"xmp.did:{pixel_sha256}"


def _derivation(likeness: Likeness) -> str:
    """What the picture is an edit of, and everything that went in."""
    sources = [parent for parent in likeness.parents if parent.role is Role.SOURCE]
    derived = "".join(f"<xmpMM:DerivedFrom {_reference(p.pixel_sha256)}/>" for p in sources[:1])
    entries = "".join(f"<rdf:li {_reference(p.pixel_sha256)}/>" for p in likeness.parents)
    return derived + (
        f"<xmpMM:Ingredients><rdf:Bag>{entries}</rdf:Bag></xmpMM:Ingredients>" if entries else ""
    )


def _reference(pixel_sha256: str) -> str:
    return f"stRef:documentID={quoteattr(_document(pixel_sha256))}"
