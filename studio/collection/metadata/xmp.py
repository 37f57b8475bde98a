"""XMP with IPTC's DigitalSourceType: says to everybody's software that a model made the picture."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from pipelines.request import Role
from studio.collection.metadata.likeness import Likeness

_TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def source_type(likeness: Likeness) -> str:
    """IPTC's term: a composite where a source picture went in, else made by a model alone."""
    composite = any(parent.role is Role.SOURCE for parent in likeness.parents)
    return _TERMS + ("compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia")


def packet(likeness: Likeness) -> str:
    """The XMP packet of one picture."""
    attributes = {
        "xmlns:xmp": "http://ns.adobe.com/xap/1.0/",
        "xmlns:Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        "rdf:about": "",
        "xmp:CreatorTool": likeness.software,
        "xmp:CreateDate": likeness.created_at.isoformat(),
        "Iptc4xmpExt:DigitalSourceType": source_type(likeness),
    }
    description = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description {description}/></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    )
