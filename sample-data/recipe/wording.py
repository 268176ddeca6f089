"""The wording of the synthetic contracts: word lists and sentence templates.

``[a|b|c]`` picks one alternative; ``{slot}`` is filled by ``contracts.Filler``. The slots
{P} and {C} are this contract's labels for its provider and its client, {other} either of them;
{days}, {months}, {amount}, {date}, {company}, {ref} and the like are distractors.
"""

MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December"]

NUMBER_WORDS = dict(enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty".split()))
NUMBER_WORDS.update({30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy",
                     80: "eighty", 90: "ninety", 100: "one hundred"})

FIRST_WORDS = """Alder Amber Anchor Apex Arbor Argent Aspen Atlas Aurora Autumn Beacon Birch Blue Bramble
Bridge Bright Bronze Brook Canyon Cardinal Cascade Cedar Chestnut Circle Clear Cliff Cobalt Compass Copper
Coral Corner Crescent Crest Crown Crystal Cypress Delta Dune Eagle East Echo Elm Ember Emerald Evergreen
Falcon Fern Field Fjord Flint Forest Foundry Fox Garnet Glacier Golden Granite Green Grove Harbor Harvest
Hawk Hazel Heather Heron High Hill Horizon Indigo Iron Island Ivory Jade Juniper Keystone Kite Lake Lantern
Laurel Linden Lotus Lunar Lynx Maple Marble Meadow Meridian Mesa Mill Mosaic Nimbus North Oak Ocean Olive
Onyx Opal Orchard Orion Osprey Otter Pacific Pebble Pine Pinnacle Pioneer Polar Poplar Prairie Quarry Quartz
Raven Red Ridge River Robin Rowan Sable Saffron Sage Sand Sequoia Shore Sierra Silver Sky Solar South Spruce
Star Sterling Stone Summit Swan Tandem Terra Thistle Timber Topaz Valley Vertex Violet Walnut West Willow
Winter Wren Zenith""".split()

SECOND_WORDS = """Advisory Analytics Aviation Biotech Builders Capital Catering Chemicals Cloud Components
Construction Data Design Digital Dynamics Electronics Energy Engineering Equipment Facilities Farms Foods
Freight Furniture Hardware Health Holdings Hotels Industries Instruments Labs Logistics Machinery Manufacturing
Marine Materials Media Medical Metals Mobility Motors Networks Optics Packaging Paper Pharma Plastics Power
Press Printing Properties Publishing Rail Research Retail Robotics Security Seeds Services Shipping Software
Solutions Staffing Storage Studios Supply Systems Technologies Telecom Textiles Tools Trading Training Travel
Ventures Water Works""".split()

SUFFIXES = ["Inc.", "LLC", "Ltd.", "Corp.", "Group", "Limited", "Company", "Partners", "GmbH", "plc"]

SYLLABLES = """ba be bo bra cal cor da den dor el fa fen gal gra hal ka kel kor la len lo lum ma mar mel mi mo
na nel no nor or pa pel pra qua ra ren ri ro sa sel sol ta tel tor tri va vel ven vi vo xan yor za zen zo""".split()

FIRST_NAMES = """Alma Anton Beth Carla Clive Dana Dora Edwin Elena Felix Greta Hugo Ingrid Ivan Jonas Karin Leo
Lydia Marco Mina Nadia Nora Oscar Paula Petra Quentin Rhea Rosa Simon Tara Theo Una Vera Wanda Yusuf Zoe""".split()

LAST_NAMES = """Abbott Barlow Brandt Calder Corwin Dahl Drake Ellery Falk Fenwick Garner Hale Hobbs Ivers Jansen
Kessler Lang Marsh Mercer Norris Oakes Penn Quill Radley Rusk Sutter Tate Underhill Voss Wexler Whitlock York""".split()

STREETS = """Abbey Alpine Baker Canal Castle Chapel Cherry Depot Dock Factory Garden Gate Hanover Hudson Kings
Liberty Market Mercer Monroe Museum Orange Park Pearl Prospect Quay Queens Railway School Spring Station Tower
Union Victoria Water Windsor""".split()

CITIES = """Albany Austin Baltimore Bergen Boston Bristol Buffalo Calgary Cardiff Chicago Cleveland Columbus
Dallas Dayton Denver Detroit Dublin Durham Edinburgh Glasgow Hamburg Houston Leeds London Lyon Madison Memphis
Miami Milan Nashville Newark Oakland Omaha Oslo Ottawa Perth Phoenix Portland Raleigh Rotterdam Sacramento
Seattle Tampa Toledo Toronto Tucson Vancouver Vienna Wellington Zurich""".split()

LAWS = ["State of " + s for s in """Alabama;Arizona;California;Colorado;Connecticut;Delaware;Florida;Georgia;
Illinois;Indiana;Iowa;Kansas;Maine;Maryland;Michigan;Minnesota;Missouri;Montana;Nebraska;Nevada;New Jersey;
New Mexico;New York;North Carolina;Ohio;Oklahoma;Oregon;Tennessee;Texas;Utah;Vermont;Washington;Wisconsin"""
        .replace("\n", "").split(";")] + [
    "Commonwealth of Virginia", "Commonwealth of Massachusetts", "Commonwealth of Pennsylvania",
    "England and Wales", "Scotland", "Northern Ireland", "Ireland", "Singapore", "New Zealand",
    "Province of Ontario", "Province of Alberta", "Province of Quebec", "Switzerland", "Norway",
    "Germany", "France", "Sweden", "Denmark"]

LABELS = {
    "services agreement": [("Provider", "Client"), ("Service Provider", "Customer"), ("Contractor", "Company"),
                           ("Provider", "Customer")],
    "lease agreement": [("Landlord", "Tenant"), ("Lessor", "Lessee")],
    "license agreement": [("Licensor", "Licensee"), ("Vendor", "Customer")],
    "supply agreement": [("Supplier", "Buyer"), ("Seller", "Purchaser"), ("Supplier", "Customer")],
    "consulting agreement": [("Consultant", "Client"), ("Advisor", "Company"), ("Consultant", "Company")],
}

TITLES = {
    "services agreement": ["[SERVICES AGREEMENT|MASTER SERVICES AGREEMENT|Services Agreement|Professional Services Agreement|Agreement for Services|SERVICE CONTRACT]"],
    "lease agreement": ["[LEASE AGREEMENT|COMMERCIAL LEASE AGREEMENT|Lease Agreement|Office Lease Agreement|Agreement of Lease|LEASE CONTRACT]"],
    "license agreement": ["[LICENSE AGREEMENT|SOFTWARE LICENSE AGREEMENT|License Agreement|Technology License Agreement|Agreement to License|LICENSE CONTRACT]"],
    "supply agreement": ["[SUPPLY AGREEMENT|MASTER SUPPLY AGREEMENT|Supply Agreement|Goods Supply Agreement|Agreement for Supply|SUPPLY CONTRACT]"],
    "consulting agreement": ["[CONSULTING AGREEMENT|INDEPENDENT CONSULTING AGREEMENT|Consulting Agreement|Business Consulting Agreement|Agreement for Consulting|CONSULTING CONTRACT]"],
}

OPENINGS = {
    "dated": [
        "This {type} (the \"Agreement\") is [entered into|made|concluded] as of {effective} (the \"Effective Date\") [between|by and between] {provider} (the \"{PL}\") and {client} (the \"{CL}\").",
        "This {type} is [entered into|made|concluded] as of {effective} between {client} (\"{CL}\") and {provider} (\"{PL}\").",
        "[This agreement|This {type}], effective {effective}, is between {provider}, [as|acting as] {PL}, and {client}, [as|acting as] {CL}.",
        "With effect from {effective}, {provider} (hereinafter the \"{PL}\") and {client} (hereinafter the \"{CL}\") [agree as follows|enter into this {type}].",
        "THIS AGREEMENT takes effect on {effective}. [The parties are|It is made between] {client}, a [company|corporation] organized in {state} (the \"{CL}\"), and {provider}, a [company|corporation] organized in {state} (the \"{PL}\").",
        "Effective Date: {effective}\n{PL}: {provider}\n{CL}: {client}\nThe parties named above [agree to|enter into] this {type}.",
        "This {type} is dated and takes effect on {effective}.\n\nPARTIES\n\n(1) {provider}, [with offices at|of] {address} ({P}); and\n\n(2) {client}, [with offices at|of] {address} ({C}).",
        "The {PL} under this {type} is {provider}. The {CL} is {client}. This agreement [is effective as of|commences on] {effective}.",
    ],
    "undated": [
        "This {type} (the \"Agreement\") is [entered into|made|concluded] [between|by and between] {provider} (the \"{PL}\") and {client} (the \"{CL}\").",
        "This {type} is [entered into|made|concluded] between {client} (\"{CL}\") and {provider} (\"{PL}\").",
        "[This agreement|This {type}] is between {provider}, [as|acting as] {PL}, and {client}, [as|acting as] {CL}.",
        "{provider} (hereinafter the \"{PL}\") and {client} (hereinafter the \"{CL}\") [agree as follows|enter into this {type}].",
        "The parties to this {type} are {client}, a [company|corporation] organized in {state} (the \"{CL}\"), and {provider}, a [company|corporation] organized in {state} (the \"{PL}\").",
        "{PL}: {provider}\n{CL}: {client}\nThe parties named above [agree to|enter into] this {type}.",
        "PARTIES\n\n(1) {provider}, [with offices at|of] {address} ({P}); and\n\n(2) {client}, [with offices at|of] {address} ({C}).",
        "The {PL} under this {type} is {provider}. The {CL} is {client}.",
    ],
}

RECITALS = [
    "[RECITALS|BACKGROUND|WHEREAS]\n\n{P} has experience in its field and {C} wishes to benefit from it. The parties have negotiated in good faith.",
    "WHEREAS, {C} issued a request for proposals on {date} under reference {ref}; and WHEREAS, {P} submitted a proposal that {C} accepted;",
    "BACKGROUND\n\nThe parties worked together under an earlier arrangement dated {date}, which has expired. They now wish to set out new terms.",
    "WHEREAS, the parties signed a letter of intent on {date}; NOW, THEREFORE, in consideration of the mutual promises below, the parties agree as follows.",
    "RECITALS\n\n{C} operates several sites, the largest of them in {city}. {P} has been introduced to {C} by {company}.",
    "In consideration of the mutual covenants contained herein, and for other good and valuable consideration, the parties agree as follows.",
]

SIGNATURES = [
    "IN WITNESS WHEREOF, the parties have [signed|executed] this document through their authorized representatives.\n\nFor {P}: {person}\nFor {C}: {person}",
    "Signed for {P} by {person}, Director\n\nSigned for {C} by {person}, Manager",
    "Executed by the duly authorized officers of the parties, {person} and {person}, in {city}.",
    "ACCEPTED AND AGREED\n\n{P}\nName: {person}\nTitle: President\n\n{C}\nName: {person}\nTitle: Secretary",
]

FACTS = {
    "effective_date": [
        "This Agreement [takes effect|becomes effective|comes into force|enters into force] on {effective}.",
        "The Effective Date of this Agreement is {effective}.",
        "The [Agreement|contract] [commences|begins|starts] on {effective} [and binds the parties from that day|, regardless of when it is signed|and continues as set out herein].",
        "\"Effective Date\" means {effective}.",
        "The obligations of the parties [commence|begin|take effect] on {effective} (the \"Commencement Date\").",
        "Performance [shall begin|will begin|begins] on {effective}, which is the effective date of this Agreement.",
        "The parties have agreed that the effective date [is|shall be] {effective}.",
        "As from {effective} this Agreement is in [full force|force] and effect.",
    ],
    "term_months": [
        "The initial term [of this Agreement is|is|shall be] {term} [from the Effective Date|].",
        "This Agreement [remains|shall remain|will remain] in force for [an initial period of|] {term} [unless ended earlier|].",
        "[The term|The initial term] of this Agreement runs for {term} [and then ends|from its commencement].",
        "The parties are bound for an initial term of {term}.",
        "Unless terminated earlier, this Agreement [lasts|continues|shall continue] for {term}.",
        "The Agreement [has|shall have] a fixed duration of {term}.",
        "\"Initial Term\" means [a period of|the period of|] {term} beginning on the Effective Date.",
        "The engagement of the parties is for a term of {term}.",
    ],
    "total_fee": [
        "{C} [shall pay|will pay|agrees to pay] {P} a total [fee|price|amount] of {fee} [under this Agreement|].",
        "The total [fee|price|consideration] [payable|due] under this Agreement is {fee}.",
        "In return for full performance, {P} [receives|shall receive|is entitled to] {fee} in total.",
        "The [aggregate|overall|full] [contract price|contract value|fee] [is|amounts to] {fee}[, exclusive of taxes|].",
        "The parties have agreed on a fixed total fee of {fee}.",
        "[As consideration|As full compensation|In consideration] for this Agreement, {C} shall pay the sum of {fee}.",
        "The contract price, fixed at {fee}, covers all [work|deliveries and services|costs] under this Agreement.",
        "Total fees for the initial term [are|amount to] {fee}.",
    ],
    "payment_days": [
        "{C} shall pay each [correct|undisputed|valid] invoice within {payment} [of receipt|after receipt|of the invoice date].",
        "Invoices are [due and payable|payable|due] within {payment} [of receipt|after they are received|of their date].",
        "[Payment of each invoice|Payment of invoices|Payment] is due {payment} after [the invoice date|receipt of the invoice].",
        "The payment term [for invoices|for all invoices|] is {payment} [net|from receipt of the invoice].",
        "{P} invoices monthly, and {C} settles each invoice no later than {payment} after receiving it.",
        "Each invoice [must|shall|is to] be paid in full within {payment}.",
        "Invoiced amounts [fall due|become due|become payable] {payment} after the date of the invoice.",
        "{C} has {payment} from receipt to pay an invoice.",
    ],
    "notice_days": [
        "Either party may terminate this Agreement [for convenience|for any reason|without cause] [on|upon|by giving] {notice} [prior written notice|written notice|notice].",
        "This Agreement may be terminated by either party upon {notice} [prior written notice|written notice] to the other.",
        "Termination [for convenience|without cause] requires {notice} [written notice|notice in writing|prior notice].",
        "A party that wishes to [end|terminate] this Agreement must give [the other|] at least {notice} notice.",
        "To terminate this Agreement, a party must notify the other in writing {noticedays} in advance.",
        "The notice period for termination is {noticedays}.",
        "[Each party|Either party] may end this Agreement early if it gives the other party {noticedays} of written notice.",
        "Notice of termination must be given no less than {noticedays} before the intended end date.",
    ],
    "governing_law": [
        "This Agreement [is|shall be|will be] governed by [and construed in accordance with|] the laws of {law}.",
        "The laws of {law} govern this Agreement [and any dispute arising from it|, without regard to conflict of laws rules|].",
        "This Agreement is subject to the law of {law}.",
        "The governing law of this Agreement is that of {law}.",
        "The parties choose the law of {law} to [govern|apply to] this Agreement.",
        "All questions about the validity and interpretation of this Agreement are decided under the laws of {law}.",
        "The [construction|interpretation] and performance of this Agreement [shall be|are] governed by the law in force in {law}.",
        "Applicable law: the law of {law}.",
    ],
    "auto_renewal_true": [
        "[At the end of the initial term|Upon expiry], this Agreement renews automatically for successive periods of {months}.",
        "This Agreement [shall|will] automatically renew [for further periods of {months}|for further terms|at the end of its term] unless a party objects.",
        "The term is extended automatically [by {months}|for a further period] unless either party opts out [in writing|{days} beforehand].",
        "Renewal is automatic[; no further notice is needed| for periods of {months}|].",
        "Unless a party declines renewal in writing, the Agreement is renewed automatically.",
        "Upon expiry the Agreement continues by automatic renewal for {months} at a time.",
        "The parties agree to automatic renewal of this Agreement at each expiry date.",
    ],
    "auto_renewal_false": [
        "This Agreement does not renew automatically [and ends with its term|; any extension needs a written amendment|].",
        "This Agreement [shall|will] not automatically renew [at the end of its term|; the parties may agree a new term|].",
        "There is no automatic renewal[; a renewal of {months} may be agreed in writing|; the Agreement expires at the end of its term|].",
        "The Agreement expires at the end of the term and may be renewed only by written agreement [of both parties|for up to {months}].",
        "Any renewal [requires|must be made by] a written document signed by both parties [at least {days} before expiry|].",
        "Renewal is not automatic[; it must be agreed in writing| and requires a signed amendment|].",
        "The term may be extended only if both parties sign a renewal.",
    ],
    "contract_number": [
        "The contract number [of this Agreement|] is {number}.",
        "[All correspondence|All invoices|Invoices and letters] must quote contract number {number}.",
        "This Agreement is [registered|filed|recorded] under contract number {number}.",
        "The parties refer to this document as Contract No. {number}.",
        "{C} has assigned contract number {number} to this Agreement.",
        "In its records {P} identifies this Agreement by contract number {number}.",
        "Contract number {number} [applies to|identifies] this Agreement.",
    ],
    "contract_number_line": ["[Contract No.|Contract Number:|Contract no.|CONTRACT NO.|Agreement No.|Contract Number|Agreement Number:] {number}"],
    "liability_cap": [
        "The total liability of {other} under this Agreement [is limited to|shall not exceed|does not exceed|is capped at] {cap}.",
        "Neither party is liable for more than {cap} [in total|in the aggregate|under this Agreement].",
        "Liability under this Agreement is [capped at|limited to] {cap} [per party|in the aggregate|].",
        "In no event shall the [aggregate|total|cumulative] liability of {other} exceed {cap}.",
        "The parties cap their [aggregate|total|] liability at {cap}.",
        "The maximum liability of {other} [is|shall be] {cap}, whatever the cause of action.",
        "Claims for damages are limited to a maximum of {cap} in total.",
    ],
}

FILLER = {
    "Confidentiality": [
        "Each party shall keep the other party's Confidential Information secret [and use it only to perform this Agreement|and protect it with reasonable care].",
        "Confidential Information does not include information that is [public|already known to the recipient|independently developed].",
        "The duty of confidentiality survives for {years} after disclosure.",
        "The recipient shall return or destroy all Confidential Information within {days} of a written request.",
        "Disclosure [required by law|ordered by a court] is permitted if the other party is informed [promptly|within {days}].",
        "The non-disclosure agreement signed by the parties on {date} remains unaffected.",
        "Employees may receive Confidential Information only if they need it for their work.",
        "A breach of confidentiality entails a penalty of {amount} for each case.",
        "Copies of Confidential Information must be marked and logged by {person}.",
    ],
    "Force Majeure": [
        "Neither party is responsible for delay caused by [fire, flood or war|strikes or natural disasters|events beyond its reasonable control].",
        "The affected party shall inform the other within {days} of the event and [take steps to limit its effects|resume work as soon as possible].",
        "If the event lasts longer than {days}, the parties shall [meet to discuss|discuss in good faith] how to proceed.",
        "[A shortage of labor|An increase in prices|Lack of funds] is not an event of force majeure.",
        "Performance is suspended for as long as the event continues.",
        "Costs caused by the event are borne by the party that incurs them.",
    ],
    "Indemnity": [
        "{P} shall indemnify {C} against third party claims [arising from its negligence|for personal injury|for infringement of intellectual property].",
        "{C} shall hold {P} harmless from claims [caused by misuse|arising from its instructions|brought by its own staff].",
        "The indemnified party shall report a claim within {days} and [allow the other party to defend it|give reasonable assistance].",
        "No settlement above {amount} may be made without consent.",
        "The indemnity covers reasonable legal costs.",
        "Claims notified later than {months} after the event are excluded from the indemnity.",
    ],
    "Insurance": [
        "{P} shall maintain [general liability|professional|property] insurance with coverage of at least {amount} per occurrence.",
        "[Certificates of insurance|Proof of coverage] must be supplied within {days} of a request.",
        "The insurer, {company}, [has confirmed coverage|issued policy {ref}] on {date}.",
        "The deductible may not be higher than {amount}.",
        "Coverage shall be kept in place for {months} after the work ends.",
        "{other} shall tell the other party if a policy is cancelled.",
        "Workers' compensation insurance is maintained as required by law.",
        "Policies must be written by an insurer licensed in {state}.",
    ],
    "Assignment": [
        "Neither party may assign this Agreement without the prior written consent of the other.",
        "Consent to assignment shall not be unreasonably withheld and is deemed given after {days}.",
        "{P} may subcontract parts of the work to {company}, [which|a firm that] has been approved by {C}.",
        "An assignment in breach of this clause is void.",
        "A transfer to an affiliate, such as {company}, is allowed [without consent|if announced {days} beforehand].",
        "This Agreement binds successors and permitted assigns.",
    ],
    "Notices": [
        "Notices must be in writing and sent to {address}, for the attention of {person}.",
        "A notice sent by courier is deemed received after {days}.",
        "Notices to {C} are copied to {person} at {address}.",
        "Notices by email take effect on the next business day.",
        "A change of address must be notified within {days}.",
        "The address of {P} for service of documents is {address}.",
        "Oral notices are without effect.",
    ],
    "Audit": [
        "{C} may audit the records of {P} [once a year|twice a year|at any time] on {days} notice of the visit.",
        "Records shall be kept for {years} and made available [on request|during business hours].",
        "If an audit reveals an error of more than {pct}, {P} bears its cost.",
        "Overcharges found in an audit are refunded within {days}.",
        "The last audit, carried out by {company} on {date}, found no errors.",
        "Auditors are bound by confidentiality.",
        "The cost of an audit may not exceed {amount}.",
    ],
    "Data Protection": [
        "Personal data is processed only [on documented instructions|for the purposes of this Agreement|in line with applicable privacy rules].",
        "A data breach must be reported within {hours} of discovery.",
        "The data protection officer is {person}.",
        "Personal data is deleted within {days} after the work is finished.",
        "Data is stored in [{city}|{state}|secure facilities] and is not moved elsewhere without approval.",
        "Sub-processors such as {company} must accept the same duties.",
        "A penalty of {amount} applies to repeated breaches of this section.",
        "Backups are kept for {months}.",
    ],
    "Dispute Resolution": [
        "The parties shall try to settle disputes by negotiation within {days}.",
        "Disputes are referred to mediation in {city} before any other step is taken.",
        "Arbitration takes place in {city} before [one arbitrator|three arbitrators].",
        "The mediator is [appointed by|chosen by] {company} within {days}.",
        "Each party bears its own costs of the proceedings.",
        "Claims below {amount} are decided by a single expert.",
        "The courts of {city} have jurisdiction over interim measures.",
        "The language of the proceedings is English.",
    ],
    "Definitions": [
        "\"Affiliate\" means an entity under common control with a party, including {company}.",
        "\"Business Day\" means a day on which banks in {city} are open.",
        "\"Deliverables\" means the items listed in Schedule {ref}.",
        "\"Order\" means an order placed by {C} under reference {ref}.",
        "\"Premises\" means the building at {address}.",
        "\"Year\" means a calendar year, the first of which ends on {date}.",
        "\"Threshold\" means an amount of {amount}.",
        "Headings are for convenience and do not affect interpretation.",
        "Words in the singular include the plural.",
    ],
    "Warranties": [
        "{P} warrants that it has the power and authority to perform this Agreement.",
        "Defects reported within {months} of acceptance are corrected free of charge.",
        "The warranty period for [spare parts|repairs|replacement items] is {months}.",
        "{P} shall correct a defect within {days} of being told of it.",
        "No other warranties are given, whether express or implied.",
        "Each party warrants that it complies with [applicable laws|anti-bribery rules|export rules].",
        "Warranty work above {amount} needs prior approval.",
    ],
    "Intellectual Property": [
        "Each party keeps the intellectual property it owned before {date}.",
        "{C} receives a right to use the results [worldwide|within its group|for its own business].",
        "The trademark registered under {ref} may be used only with approval.",
        "Inventions made jointly are owned jointly by the parties.",
        "Third party components supplied by {company} remain under their own terms.",
        "A royalty of {pct} applies to sales above {amount}.",
        "Moral rights are waived to the extent permitted.",
    ],
    "Personnel": [
        "{P} shall assign qualified staff, led by {person}.",
        "A key person may be replaced only with {days} advance warning.",
        "Staff working at {address} must follow the site rules.",
        "Neither party shall hire the other's staff for {months} after they leave the project.",
        "The project manager, {person}, reports to {C} every [week|month|quarter].",
        "Nothing in this Agreement creates an employment relationship.",
        "Overtime is charged at a surcharge of {pct}.",
    ],
    "Taxes and Expenses": [
        "All sums are exclusive of value added tax[, currently {pct}|].",
        "Travel expenses above {amount} require prior approval.",
        "Expenses are reimbursed {days} after receipts are submitted.",
        "Late sums bear interest at {pct} per month.",
        "{C} may withhold disputed sums if it explains why within {days}.",
        "A deposit of {amount} was paid on {date}.",
        "Each party bears its own taxes.",
        "A discount of {pct} applies to orders above {amount}.",
        "Bank charges of up to {amount} are borne by {P}.",
    ],
    "Delivery": [
        "Deliveries are made to {address} between [eight and noon|nine and five].",
        "Delay in delivery of more than {days} entitles {C} to a credit of {pct}.",
        "Risk passes when goods are handed to the carrier, {company}.",
        "The first delivery is planned for {date}.",
        "Packaging must bear the reference {ref}.",
        "{C} shall inspect deliveries within {days}.",
        "Storage is charged at {amount} per month.",
        "Returned items must be accompanied by form {ref}.",
    ],
    "Acceptance": [
        "{C} shall accept or reject each deliverable within {days}.",
        "Acceptance tests were first described in a document dated {date}.",
        "A deliverable is deemed accepted if no objection is made within {days}.",
        "Test reports are sent to {person}.",
        "After a third failed test {C} may claim a credit of {amount}.",
        "Minor defects do not prevent acceptance.",
    ],
    "Service Levels": [
        "The availability of the system shall be at least 99.5% per month.",
        "Support requests are answered within {hours}.",
        "A service credit of {pct} applies for each missed target, up to {amount} per year.",
        "Maintenance is announced {days} ahead.",
        "Reports on service levels are kept for {months}.",
        "Critical incidents are escalated to {person} after {hours}.",
    ],
    "Change Control": [
        "Changes are valid only if recorded in a change order signed by both parties.",
        "{P} shall assess a change request within {days} and state its cost.",
        "Change order {ref}, dated {date}, forms part of the schedules.",
        "Changes worth less than {amount} may be approved by {person}.",
        "Until a change is approved the work continues as planned.",
    ],
    "Compliance": [
        "Each party shall comply with anti-corruption rules and train its staff every {months}.",
        "Gifts worth more than {amount} are prohibited.",
        "{P} holds permit {ref}, issued in {state} on {date}.",
        "Violations are reported to {person} within {days}.",
        "The code of conduct of {company} applies to all visitors.",
        "Records of training are kept for {years}.",
    ],
    "Security": [
        "Access badges are issued by {person} and expire after {months}.",
        "Lost badges are charged at {amount}.",
        "Visitors to {address} must be announced {days} ahead.",
        "Passwords are changed every {days}.",
        "A security review was completed on {date} by {company}.",
        "Video recordings are erased after {hours}.",
    ],
    "Environment": [
        "Waste is sorted and removed every {days}.",
        "Energy use shall fall by {pct} within {years}.",
        "{company} carries out the yearly environmental survey.",
        "Hazardous materials are stored only at {address}.",
        "The environmental permit {ref} was renewed on {date}.",
    ],
    "Entire Agreement": [
        "This document is the entire understanding of the parties and replaces the letter dated {date}.",
        "The earlier agreement with {company}, dated {date}, is no longer relevant.",
        "Amendments must be in writing and signed by both parties.",
        "If a provision is invalid, the remaining provisions stay in force.",
        "Failure to enforce a right is not a waiver of it.",
        "This document may be signed in counterparts.",
        "Schedule {ref} forms part of this document.",
    ],
    "Relationship of the Parties": [
        "The parties are independent contractors.",
        "Neither party may bind the other [in any way|in dealings with third parties].",
        "A joint committee chaired by {person} meets every {months}.",
        "Press releases need approval, which is given or refused within {days}.",
        "{P} may work for others, including {company}.",
        "The joint marketing budget is {amount} per year.",
    ],
    "Equipment": [
        "Equipment lent by {C}, with a book value of {amount}, stays its property.",
        "Equipment is inspected every {months} by {company}.",
        "Damaged equipment is repaired within {days}.",
        "The inventory of {date} lists all items under {ref}.",
        "{P} shall return all equipment to {address}.",
        "Spare parts are stocked for {years}.",
    ],
    "Transition": [
        "On exit {P} shall help {C} to move the work to {company} or another firm.",
        "The transition plan is drawn up within {days} and covers {months} of support.",
        "Exit support is charged at {amount} per week.",
        "Documents are handed over to {person}.",
        "Materials not collected within {days} may be disposed of.",
    ],
}

# ---------------------------------------------------------------------------------------------
# What makes a contract long: schedules, annexes and statements of work

PARTS = ["SCHEDULE {n}\n{h}", "Schedule {n} - {h}", "ANNEX {n}: {u}", "Annex {n} ({h})", "APPENDIX {n}\n\n{u}",
         "Exhibit {n}. {h}", "ATTACHMENT {n} - {u}", "Part {n}: {h}"]

PART_NAMES = """Service Levels;Project Plan;Price List;Site Rules;Quality Plan;Acceptance Tests;Technical Specification;
Delivery Calendar;Key Personnel;Training Plan;Reporting;Safety Rules;Access and Keys;Maintenance Plan;Spare Parts;
Data Handling;Information Security;Business Continuity;Environmental Rules;Packaging and Labels;Logistics;
Minutes of the Kick-off Meeting;Risk Register;Inventory;Handover;Governance;Communication Plan;Subcontractors;
Permits and Licences;Change Log;Test Protocol;Glossary;Working Hours and Rates;Travel Rules;Archive and Records;
Service Description;Statement of Work;Additional Statement of Work;Premises and Fixtures;Code of Conduct""".replace(
    "\n", "").split(";")

PART_INTROS = [
    "This part [belongs to|forms part of|is attached to] the {type} between the parties and is read together with it.",
    "The parties have [agreed on|set out|recorded] the following details.",
    "{P} and {C} [apply|observe] the rules of this part [from the first day|in their daily work|throughout the work].",
    "The following was drawn up by {person} [and reviewed by {person}|of {company}|].",
    "Version {small}, issued [in {city} |]on {date} by {person}.",
    "Terms defined in the main body have the same meaning here.",
]

ROLES = """project manager;site manager;quality engineer;account manager;safety officer;technical lead;
scheduler;purchasing officer;controller;warehouse manager;training coordinator;service desk lead;surveyor;
data steward;maintenance planner;inspector;test manager;archivist;facility manager;logistics planner""".replace(
    "\n", "").split(";")

ITEMS = """control cabinets;pump units;cooling units;access gates;cable trays;storage racks;fire doors;roof panels;
lighting fixtures;network switches;test benches;conveyor belts;filter cartridges;pallets;measuring devices;
work stations;server racks;forklift trucks;meeting rooms;loading bays;window frames;water meters;spare motors;
sensor kits;tool sets;software modules;user manuals;drawings;backup tapes;reading terminals;label printers;
parking spaces;floor coverings;air filters;wiring harnesses;valve assemblies;mounting brackets;data records;
training rooms;display screens""".replace("\n", "").split(";")

ACTIVITIES = """inspection;cleaning;delivery;installation;calibration;testing;repair;replacement;inventory;
relocation;painting;configuration;documentation;packaging;review;storage;transport;labelling;commissioning;
dismantling;upgrade;sampling;survey;monitoring""".replace("\n", "").split(";")

QUALITIES = """approved;spare;existing;new;remaining;damaged;leased;certified;temporary;standard;additional;
numbered;stored;refurbished;heavy;small;listed;delivered;tested;older""".replace("\n", "").split(";")

FREQUENCIES = """every week;every month;every quarter;twice a year;once a year;on request;every second week;
after each delivery;at the start of each quarter;before each holiday period;on the first working day of the month;
whenever {C} asks for it;no later than {days} after each visit""".replace("\n", "").split(";")

DETAILS = {
    "Scope of Work": [
        "The {activity} of {items} at {address} is [carried out|done|performed] {frequency}.",
        "{P} [plans|organizes|carries out] the {activity} of {count} {items} and informs the {role} of {C}.",
        "The {activity} of {items} may be left to {company}, which works under the supervision of {person}.",
        "{Items} that do not pass the {activity} are set aside and [listed under {ref}|reported to the {role}|repaired].",
        "Not included [is|are] the {activity} of {items} [in {city}|older than {years}|owned by {company}].",
        "Before the {activity} begins, the {role} checks that {items} are [complete|accessible|switched off].",
        "{P} supplies the {items} that are needed for the {activity}, up to a value of {amount} per site.",
    ],
    "Milestones": [
        "The plan [has|shows|contains] the following milestones:\n{milestones}",
        "A milestone is reached when the {role} of {C} has signed the protocol.",
        "The dates of this plan may be moved by up to {days} [if the {role} agrees|in case of bad weather|].",
        "The first {activity} of {items} took place on {date} in {city}.",
        "{person} keeps the plan up to date and sends it round {frequency}.",
        "If a milestone is missed, the {role} calls a meeting within {days}.",
        "An advance of {amount} for {items} is set off against the milestone to which it belongs.",
    ],
    "Prices": [
        "The following unit prices apply to extra work:\n{prices}",
        "The hourly rate of a {role} is {amount}; travelling time counts [half|in full|from {city}].",
        "Prices for {items} are reviewed {frequency} and may rise by no more than {pct}.",
        "A discount of {pct} is given on orders of more than {count} {items}.",
        "Packaging of {items} is charged at {amount} per [pallet|box|load].",
        "Extra {activity} outside working hours costs {amount} per visit.",
        "Small orders below {amount} carry a surcharge of {pct}.",
    ],
    "Contacts": [
        "The following persons are responsible:\n{contacts}",
        "The {role} of {P} is {person}, [reachable at {address}|who works in {city}|deputized by {person}].",
        "A change of the {role} is announced {days} ahead.",
        "{person} [replaced|took over from] {person} as {role} on {date}.",
        "Questions about {items} go to the {role}, who answers within {hours}.",
        "The steering group consists of {person}, {person} and the {role} of {C}.",
    ],
    "Sites": [
        "Work is done at these places:\n{sites}",
        "The {items} at {address} are [out of scope|looked after by {company}|inspected {frequency}].",
        "Keys for {address} are kept by the {role}; a lost key costs {amount}.",
        "Vehicles wait in {city} until the {role} has cleared the {items}.",
        "The building at {address} is closed for {activity} for {days}.",
        "Visitors report to {person} at {address} and wear a badge.",
    ],
    "Quality": [
        "The {role} takes samples of the {items} {frequency}.",
        "A rate of {pct} of {quality} {items} is tolerated[; beyond it the lot is returned|].",
        "Findings are rated from one to {small}; findings rated {small} stop the {activity}.",
        "The quality file {ref} was [opened|checked|updated] on {date} by {company}.",
        "Results of the {activity} are kept for {years} by the {role}.",
        "{Items} carry a label with the date of their last {activity}.",
        "Repeated defects of {items} are discussed with {company} within {days}.",
    ],
    "Acceptance": [
        "Acceptance of the {items} takes place in {city} within {days} of their {activity}.",
        "The {role} may refuse {quality} {items} and must give reasons within {days}.",
        "Minor defects with a repair cost below {amount} do not prevent acceptance.",
        "A second {activity} follows after {days} if the first one fails.",
        "Protocol {ref} lists {count} {items} accepted on {date}.",
        "Use of the {items} for more than {days} counts as acceptance.",
    ],
    "Meetings and Reports": [
        "A meeting is held {frequency}; {person} takes the minutes.",
        "Present were {person}, {person} and {person}; excused was the {role} of {company}.",
        "The {role} reported that {count} {items} were ready for {activity}.",
        "It was agreed to postpone the {activity} of the {items} to {date}.",
        "The report on {activity} states the number of {items}, the hours spent and the open points.",
        "{person} asked for a list of {quality} {items}; it was sent on {date}.",
        "Open point {ref} concerns {items} in {city} and is with {company}.",
        "The next meeting was fixed for {date} in {city}.",
    ],
    "Risks": [
        "The following risks are known:\n{risks}",
        "The {role} rates each risk {frequency}.",
        "A delay in the {activity} of {items} would cost about {amount} per week.",
        "A reserve of {amount} is held for {quality} {items}.",
        "If {company} fails to deliver {items}, {company} steps in within {days}.",
        "The risk of losing {items} in transport is insured under {ref}.",
    ],
    "Systems": [
        "The system is [unavailable|in maintenance|reduced to half its speed] for up to {hours} {frequency}.",
        "Release {small}.{small} of the software modules was installed on {date}.",
        "The {role} restores a backup for practice {frequency}.",
        "User accounts are blocked after {small} failed attempts and released by the {role} within {hours}.",
        "Log files of {items} are kept for {months} in {city}.",
        "A fault in {items} is classified by the {role} and [repaired|bypassed] within {hours}.",
        "Interface {ref} connects the {items} to the system of {company}.",
    ],
    "Training": [
        "Training on {items} takes {days} and is given by {company} in {city}.",
        "Each course has at most {count} seats and costs {amount} per day.",
        "New staff take part in the {activity} of {items} with the {role} before they work alone.",
        "{person} keeps the list of those who were trained in the {activity} of {items}.",
        "The course material {ref} is revised {frequency}.",
        "A certificate is valid for {months} and is renewed after a test.",
    ],
    "Transport and Storage": [
        "{Items} are stored at {address} until their {activity}.",
        "{company} transports the {items} and is told of each load {hours} ahead.",
        "Loads of more than {count} {items} are [escorted|insured separately|announced to the {role}].",
        "Storage beyond {days} costs {amount} per week [and pallet|].",
        "Delivery note {ref} of {date} covers {count} {items}.",
        "Empty pallets are returned to {company} {frequency}.",
        "The {role} in {city} counts the {quality} {items} {frequency}.",
    ],
    "Safety": [
        "Helmets are worn during the {activity} of {items}.",
        "The {role} may stop the {activity} if {items} are [unsafe|wet|not secured].",
        "An accident is reported to {person} within {hours} and recorded under {ref}.",
        "Fire drills are held {frequency} at {address}.",
        "The first aid kit is next to the {items} and is checked {frequency}.",
        "A safety fine of {amount} is passed on to the party that caused it.",
        "On {date} the {role} walked through the site in {city} and found {count} {quality} {items}.",
    ],
    "Records": [
        "The register was opened on {date} under {ref} and is kept by {person}.",
        "Entries are made {frequency}; corrections are initialled by the {role}.",
        "The inventory shows:\n{inventory}",
        "Paper copies are destroyed after {years}, electronic ones after {months}.",
        "The file on {items} was handed to {company} in {city}.",
        "Order {ref} for {count} {items} was placed by {person} on {date} for {amount}.",
        "Drawings of the {items} are exchanged in two copies.",
    ],
}
