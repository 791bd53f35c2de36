"""What words of names weigh: words of trades, which many customers share, places, directions, abbreviations.

Data, not rules. A word that is missing here counts as a name of its own, so a gap costs a suggestion and never makes one.
"""

from __future__ import annotations

from typing import Final


def _listed(text: str) -> list[str]:
    return text.split()


#: Say nothing about who it is, and are left out.
STOPS: Final = frozenset(_listed("the and of for und et"))

#: Short spellings of common words, each with the word itself.
ABBREVIATIONS: Final = dict(
    pair.split(":")
    for pair in _listed("""
    intl:international int:international internat:international natl:national nat:national bus:business mach:machines
    mfg:manufacturing manuf:manufacturing mfr:manufacturing mgmt:management mgt:management mngmt:management svc:services svcs:services
    serv:services servs:services soln:solutions solns:solutions sols:solutions tech:technology techs:technologies sys:systems
    syst:systems assn:association
    assoctn:association dept:department univ:university uni:university hosp:hospital gov:government govt:government ctr:centre
    cntr:centre cent:centre center:centre centers:centres acad:academy prim:primary sch:school schl:school sec:secondary jr:junior
    jnr:junior bros:brothers mt:mount hldg:holdings hldgs:holdings holding:holdings grp:group gp:group inv:investments
    invs:investments invest:investments prop:property props:properties bldg:building bldgs:buildings bldrs:builders
    constr:construction const:construction cons:consulting consult:consulting dist:distribution distr:distribution distrib:distribution
    elec:electrical electric:electrical mech:mechanical med:medical vet:veterinary
    vets:veterinary fin:financial fncl:financial ins:insurance insur:insurance
    transp:transport trans:transport prod:products prods:products ind:industries inds:industries indust:industries pub:public
    publ:publishing comms:communications comm:communications telecom:telecommunications telecoms:telecommunications cmty:community
    comty:community res:research resrch:research dev:development devt:development lab:laboratory labs:laboratories equip:equipment
    equipt:equipment env:environmental envir:environmental agric:agricultural agri:agricultural auto:automotive ed:education
    educ:education fdn:foundation found:foundation soc:society trng:training mktg:marketing rd:road ave:avenue ln:lane sq:square
    clinics:clinic solrs:solicitors sols:solicitors arch:architects archts:architects bd:board ch:church chp:chapel chs:chambers
    wm:william jas:james chas:charles thos:thomas geo:george robt:robert cie:compagnie
    gebr:gebruder hnos:hermanos ets:etablissements fa:firma cofe:ce regl:regional twp:township coop:cooperative bdlg:building
    ofc:office ofcs:offices accts:accountants acct:accountancy accting:accountancy phcy:pharmacy surg:surgery hse:house ldn:london
    nth:north sth:south nw:northwest ne:northeast sw:southwest se:southeast physio:physiotherapy gen:general
    """)
)

#: Trades under their several words: "Garrowby Glass" and "Garrowby Glazing" may well be one customer.
_FAMILIES: Final = """
    glass glazing glaziers windows
    dental dentist dentists dentistry orthodontics orthodontist smiles
    law legal solicitors solicitor lawyers attorneys notaries
    motors motor autos automotive cars garage
    accountants accounting accountancy bookkeeping
    veterinary veterinarian veterinarians animal
    physiotherapy physiotherapists
    pharmacy chemist chemists pharmaceuticals pharmaceutical
    school academy college
    builders building buildings construction contractors constructors
    engineering engineers
    plumbing plumbers
    heating boilers
    electrical electricians
    roofing roofers
    architects architecture architectural
    insurance insurers
    surveyors surveying
    bakery bakers bakehouse
    brewery brewers brewing
    printing printers print
    haulage logistics freight transport transportation hauliers
    farm farms farming agricultural agriculture
    hotel hotels inn
    surgery clinic practice
    doctors physicians medical
    consulting consultants consultancy advisory advisers advisors
    technology technologies tech it
    manufacturing manufacturers
    estate estates
    property properties
    lettings letting
    marketing communications
    joinery joiners carpentry
    holdings group
    housing homes
    recruitment staffing
    funeral undertakers
    gardening gardens landscapes landscaping
    cleaning cleaners
    opticians optometrists optical eyecare
    association society
    foundation charity trust
    church parish
    security
    catering caterers
    furniture furnishings
    flooring floors carpets
    storage warehousing
    wealth financial
    produce foods food
    """

#: Words of trades that stand for nothing but themselves.
_TRADE: Final = """
    practice centre centres medical health healthcare care services service solutions systems business machines international national
    global worldwide partners partnership associates brothers sons son daughters company enterprise enterprises ventures industries
    industrial products supplies supply trading traders management investments investment capital finance bank credit union fund funds
    department university hospital hospice government council county city town village district board authority public
    distribution distributors wholesale retail store stores shop shops market markets mechanical laboratory laboratories
    equipment tools machinery environmental energy power solar water waste recycling oil gas fuels research development education
    training learning nursery kindergarten preschool primary secondary infant infants junior juniors senior high middle grammar
    telecommunications network networks computers computing software data digital media design designs studio studios creative
    agency publishing press news radio films productions events entertainment leisure sports sport fitness gym club golf tennis
    football rugby rowing swimming sailing marina marine maritime boats yachts shipping ferries aviation airways travel tours
    holidays resort spa beauty hair salon barbers fashion clothing textiles wool leather shoes jewellers jewellery watches
    toys books library museum gallery theatre arts art music dance crafts pottery ceramics brick bricks timber wood steel metal
    metals plastics rubber paper packaging paint paints chemicals coatings concrete stone quarry mining minerals
    restaurant restaurants cafe coffee tea kitchen kitchens bathrooms interiors lighting doors blinds curtains
    meats butchers fish seafood dairy eggs fruit vegetables flowers florist florists nurseries seeds feeds grain mill mills
    vineyard wines wine spirits drinks beverages bar tavern pub house court hall lodge manor villa place chambers chapel temple
    street road lane avenue square close hill park green bridge cross gate field fields wood woods grove
    rentals rental leasing hire plant vehicles trucks tyres parts repairs maintenance facilities support
    planning projects project asset assets pensions mortgages tax audit payroll claims brokers underwriting
    mutual benevolent ministries mission community social youth children family families women mens elderly
    general specialist specialists professional professionals private premier quality express direct online
    eye ear skin foot feet heart hearing vision chiropractic osteopathy therapy counselling wellness mental dermatology cardiology
    paediatrics pediatrics radiology oncology imaging diagnostics midwifery maternity
    safety fire alarms locks locksmiths guards rescue ambulance police security signs scaffolding demolition drainage paving
    fencing groundworks civil structural precision fabrication welding castings forge foundry tooling bearings valves pumps
    instruments electronics cables batteries sensors optics robotics aerospace defence
    office offices head headquarters hq main site branch
    painting painters decorating decorators tiling tiles tile tilers glaziers vents ventilation cranes carers carvers canes couriers courier
    cruises hydraulics plasterers plastering upholstery saddlery chandlery creamery butchery greengrocers fishmongers stationers stationery
    tailors tailoring laundry launderette cattery kennels grooming farriers nurserymen orchards growers seafoods shellfish poultry cheese
    cider distillery brewhouse taproom bistro pizzeria takeaway kebab patisserie deli bookshop bookbinding framing photography
    videography casting coating digging rigging shipping piping lifts elevators lettings homecare residential assisted living
    orthotics prosthetics podiatry podiatrists chiropody osteopaths chiropractors endodontics periodontics audiology speech dietetics
    gynaecology obstetrics urology dermatologists ophthalmology psychology psychiatry psychotherapy hypnotherapy acupuncture massage
    notary barristers chambers conveyancing mediation immigration bookkeepers auditors actuaries advice helpline foodbank
    regional township borough parish diocese synagogue mosque cathedral abbey priory convent ministry fellowship congregation
    cooperative society guild lodge legion veterans scouts guides brownies playgroup creche daycare childcare afterschool tutoring
    comprehensive elementary sixth form faculty institute polytechnic campus students alumni
    renewables insulation boreholes asbestos pest weighbridge landfill skip skips haulers towing bodyworks bodyshop mot muffler
    autohaus werkstatt maschinenbau bau hochbau tiefbau holzbau metallbau dachbau dachdecker elektro elektrotechnik sanitar heizung
    schreinerei tischlerei zimmerei malerbetrieb schlosserei spedition logistik immobilien hausverwaltung verwaltung vertrieb vertriebs
    verwaltungs steuerberater steuerberatung rechtsanwalt rechtsanwalte kanzlei notariat ingenieure ingenieurburo architekten apotheke
    praxis zahnarzt zahnarztpraxis tierarzt klinik krankenhaus pflegedienst backerei metzgerei gasthof gasthaus brauerei weingut
    getranke kunststoff optik druckerei verlag grundschule gesamtschule gymnasium kindergarten kita volkshochschule stadtwerke gemeinde
    verein sportverein stiftung gebruder handel fenster automobile
    maison etablissements boulangerie boucherie charcuterie traiteur cave pharmacie clinique cabinet avocats notaires avocat notaire
    plomberie menuiserie charpente maconnerie peinture electricite chauffage imprimerie transports groupe societe generale immobilier
    assurances coiffure opticien creche ecole lycee college mairie commune hopital laboratoire imagerie restaurant garage
    bouw bouwgroep bouwbedrijf aannemer installatietechniek installaties loodgieters schilders timmerwerken bakkerij slagerij
    advocaten notarissen accountantskantoor makelaars makelaardij tandarts tandartspraktijk huisartsen huisartsenpraktijk apotheek zorg
    basisschool gemeente stichting vereniging transportbedrijf vakgarage autobedrijf bloemen firma zonen
    bygg entreprenad fastigheter snickeri maleri plat ror rorlegger tomrer smede murer maler maskin fisk vinduer revision
    redovisning tandlakare tannlege tandlaege advokat advokatfirma kommune skola skole barnehage forskola kuljetus rakennus yhtiot
    talleres automocion construcciones reformas fontaneria electricidad instalaciones abogados bufete asesoria gestoria notaria clinica
    farmacia hermanos panaderia carniceria bodegas transportes inmobiliaria seguros colegio escuela ayuntamiento fundacion asociacion
    """

#: Stand before a name and are none.
PARTICLES: Final = frozenset(
    _listed(
        "van von der den dem des zur zum zu la le les el los las los du da di del della dos das de den het een ter ten af av mac am im dr"
    )
)

_PLACES: Final = """
    london leeds york manchester birmingham liverpool bristol sheffield newcastle nottingham leicester bradford hull stoke
    wolverhampton derby plymouth southampton portsmouth brighton oxford cambridge norwich exeter bath gloucester worcester chester
    lincoln durham lancaster carlisle preston bolton reading luton swindon coventry ipswich cardiff swansea newport edinburgh glasgow
    aberdeen dundee inverness belfast derry dublin cork galway limerick
    england scotland wales ireland britain uk usa us america canada australia nz zealand france germany deutschland spain italy
    netherlands holland belgium austria switzerland poland sweden norway denmark finland portugal europe eu emea apac asia africa
    india china japan singapore
    boston chicago dallas denver detroit houston miami seattle portland phoenix austin atlanta philadelphia orlando tampa
    texas florida california ohio oregon nevada utah arizona georgia virginia carolina dakota michigan wisconsin minnesota
    illinois indiana iowa kansas missouri kentucky tennessee alabama louisiana oklahoma nebraska montana idaho
    toronto vancouver montreal ottawa calgary sydney melbourne brisbane perth adelaide auckland wellington christchurch
    paris lyon berlin munich hamburg frankfurt cologne vienna zurich geneva amsterdam rotterdam brussels antwerp madrid barcelona
    milan rome stockholm oslo copenhagen helsinki warsaw prague budapest
    kent essex surrey sussex norfolk suffolk devon cornwall dorset somerset hampshire cumbria yorkshire lancashire cheshire
    northumberland
    """

#: Telling apart: whoever has another of these is another site or another firm.
DIRECTIONS: Final = frozenset(
    _listed("""
    north south east west northern southern eastern western northeast northwest southeast southwest upper lower inner outer old new
    great little big small left right central mid middle uptown downtown senior junior infant infants primary secondary
    boys girls mens womens day night
    """)
)

NUMBERS: Final = dict(
    zip(
        _listed("one two three four five six seven eight nine ten first second third ii iii iv vi vii viii ix"),
        _listed("1 2 3 4 5 6 7 8 9 10 1 2 3 2 3 4 6 7 8 9"),
        strict=True,
    )
)

#: A site's tail that names no place: "Garrowby Glass - Head Office".
PLAIN_TAILS: Final = frozenset(_listed("head office headquarters hq main site"))

FAMILY: Final = {word: place for place, line in enumerate(_FAMILIES.strip().splitlines()) for word in line.split()}
PLACES: Final = frozenset(_PLACES.split())
TRADE: Final = frozenset(_TRADE.split()) | frozenset(FAMILY) | (frozenset(ABBREVIATIONS.values()) - DIRECTIONS)
#: Words in their own right: two of them a letter apart (marina, marine) are two words, not one mistyped.
KNOWN: Final = TRADE | PLACES | DIRECTIONS | frozenset(ABBREVIATIONS) | frozenset(NUMBERS) | STOPS
