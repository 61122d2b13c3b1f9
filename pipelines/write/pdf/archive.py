"""What makes a PDF one for the archive: PDF/A-2, level U (ISO 19005-2)."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from xml.sax.saxutils import escape

from PIL import ImageCms

from pipelines.write.pdf.objects import Add, Entries

_INTENT = "sRGB IEC61966-2.1"
# Of a profile's header (ICC.1:2004, 7.2), by place: version 4.2, the newest that ISO 19005-2 knows; a date,
# the same at any time; no digest.
_HEADER = {8: b"\x04\x20", 24: struct.pack(">6H", 2004, 5, 1, 0, 0, 0), 84: bytes(16)}
_NO_XML = dict.fromkeys([*range(0x20), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], " ")
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<pdfaid:part>2</pdfaid:part>
<pdfaid:conformance>U</pdfaid:conformance>
<pdf:Producer>{producer}</pdf:Producer>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def archive_entries(title: str, producer: str, add: Add) -> Entries:
    """Entries of the catalog: what the file claims to be, and which colours its pictures are in."""
    text = _XMP.format(title=escape(title.translate(_NO_XML)), producer=escape(producer))
    metadata = add({"Type": "/Metadata", "Subtype": "/XML"}, text.encode("utf-8"))
    profile = add({"N": "3", "Filter": "/FlateDecode"}, zlib.compress(_srgb(), 9))
    intent = add(
        {
            "Type": "/OutputIntent",
            "S": "/GTS_PDFA1",
            "OutputConditionIdentifier": f"({_INTENT})",
            "Info": f"({_INTENT})",
            "DestOutputProfile": profile,
        },
        None,
    )
    return {"Metadata": metadata, "OutputIntents": [intent]}


@cache
def _srgb() -> bytes:
    """An ICC profile of sRGB, the same at any time."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for place, told in _HEADER.items():
        profile[place : place + len(told)] = told
    return bytes(profile)
