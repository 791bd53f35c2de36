"""Words that invented names are made of. Places and people here do not exist, or are as common as Smith."""

from __future__ import annotations


def _listed(text: str, sep: str | None = None) -> list[str]:
    return text.split(sep)


HEADS = _listed("""
Hex Garrow Quern Thorn Farn Bright Cobble Quill Marl Wick Ash Stan Brack Hollow Dun Pen Tres Lath Elder Win Sel Mor Nor Cal
Ever Fal Grim Hazel Ivel Kel Lang Myr Oak Pel Rush Sax Tam Ull Ves Wray Yarl Zeal
""")
TAILS = _listed("moor by quay holt fen side mere ford ley combe wick stead thorpe gate wold dale burn worth hurst ness cross bury")
TOWNS = [head + tail for head in HEADS for tail in TAILS]

PEOPLE = _listed("""
Smith Jones Patel Brown Wilson Evans Thomas Roberts Walker Wright Robinson Thompson Hughes Edwards Turner Cooper Ward Morris
Watson Kapoor Okafor Nowak Rossi Silva Lindqvist Vermeer Castellan Ferrand Holloway Pemberton Ashworth Blackwood Cartwright Drummond
Fairfax Gallagher Hargreaves Ingleby Jessop Kingsley Lockwood Mansell Netherby Osgood Prendergast Quigley Ravenscroft Sheridan Tremayne
Underhill Vickers Whitlock Yarborough Abernathy Bancroft Chatterton Davenport Ellingham Fotheringay Greatorex Haverstock
""")

TRADES = [
    *_listed("Dental Glass Motors Plumbing Roofing Electrical Bakery Brewery Printing Haulage Farms Hotel Pharmacy Recruitment Cleaning"),
    *_listed("Joinery Flooring Catering Furniture Security Engineering Architects Accountants Solicitors Surveyors Insurance Lettings"),
    *_listed("Opticians|Dental Practice|Medical Centre|Veterinary Surgery|Day Nursery|Garden Centre|Leisure Centre|Estate Agents", "|"),
    *_listed("Wealth Management|Building Supplies|Marketing Agency|Care Home|Funeral Services|Housing Association|Credit Union", "|"),
    *_listed("Golf Club|Community Trust", "|"),
]
SCHOOLS = _listed("Primary School|Infant School|Junior School|High School|Grammar School|Academy|College|Nursery School", "|")
DIRECTIONS = _listed("North South East West Upper Lower Old New")
CITIES = _listed("Leeds York Bristol Cardiff Dublin Norwich Boston Denver Toronto Perth Exeter Derby")
FORMS = _listed("Ltd|Limited|LLP|Inc.|LLC|PLC|GmbH|Pty Ltd|B.V.|S.A.", "|")
