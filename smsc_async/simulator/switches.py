"""What the vendor leaves open: each doubt is one switch, so that the client can be tested under every reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs


@attrs.frozen(kw_only=True)
class Switches:
    """
    One reading of everything that the vendor's text leaves open.

    The defaults are the likeliest reading, and the harsher one where two are equally likely. Change them in mid-run
    with ``simulator.switches = attrs.evolve(simulator.switches, ...)``.
    """

    # Counting ---------------------------------------------------------------------------------------------------------

    refused_counts: bool = True
    """Whether a request refused with error 9 counts in the window all the same. Not said; counting is the harsher."""

    identical: Literal["exact", "action"] = "exact"
    """What "identical" compares: every parameter but credentials, fmt and charset; or the action alone. Not said."""

    rounding: Literal["float", "floor", "calendar"] = "float"
    """A sliding minute, one that compares whole seconds (sixtieths of it), or the minute on the wall. Not said."""

    inclusive: bool = False
    """Whether a request exactly one minute old still counts (``>=`` where ``>`` is meant). Not said."""

    counted_at: Literal["arrival", "completion"] = "arrival"
    """When a request enters the window: as it arrives, or when its answer is done. Not said."""

    trailing: float = 0.0
    """Seconds by which the count of requests in flight falls late after an answer (0.25 is plausible). Not said."""

    clock_rate: float = 1.0
    """How fast the gateway's clock runs against ours (0.999 to 1.001). Below 1 its minute is longer than ours."""

    separate_hosts: bool = False
    """Whether each host name (smsc.ua, www2.smsc.ua) has counters of its own. Not said; shared is the harsher."""

    identical_sends: Literal["message", "request"] = "message"
    """What is compared of sends: all but ``id``, the captcha, ``cost``, ``op``, ``err``; or really all. Not said."""

    delete_counts: Literal["status", "apart"] = "status"
    """Whether deleting a message counts among the requests of its status, or by itself. Not said."""

    bad_sends: Literal["refused", "message", "all"] = "refused"
    """Which refusals make up the hundred in a row: 1, 3, 5 to 8 and 10; 6 to 8 alone; or 9 as well. Not said."""

    # The account ------------------------------------------------------------------------------------------------------

    block_prolongs: bool = False
    """Whether requests from a blocked address prolong its block. Not said."""

    md5_password: bool = False
    """Whether psw may be the lower-case MD5 of the password. Historic libraries did so; today's page is silent."""

    rent_twice: bool = False
    """Whether a number that the login rents can be bought (and paid) again. Not said; it makes a double buy visible."""

    call_charged: Literal["never", "request", "ring"] = "never"
    """When `wait_call` takes ``calls.cost`` from the balance. Not said; error 3 exists, so it costs something."""

    repeat_call: Literal["same", "next"] = "same"
    """Which number a second request for the same subscriber gets within the 15 minutes. Not said."""

    # Messages ---------------------------------------------------------------------------------------------------------

    equal_phones: Literal["each", "once"] = "each"
    """Whether a phone that stands twice in one request is sent to twice. Not said; twice is the harsher."""

    partly_bad: Literal["skipped", "refused"] = "skipped"
    """Whether bad phones among good ones are passed over, or the whole request is refused. Not said."""

    correct_phones: bool = True
    """Whether local spellings without a plus become international: 0671234567 is 380671234567. It "may be"."""

    comment_line: str = "~~~"
    """The line between a text and the comment on it; empty: there are no comments. Not verified."""

    long_text: Literal["refused", "cut"] = "refused"
    """Whether a text of more than 1000 characters is error 1, or cut there. Not said."""

    split_pairs: bool = False
    """Whether a part may end within an escaped character or a surrogate pair. 3GPP forbids it; the vendor is silent."""

    past_time: Literal["now", "refused"] = "now"
    """Whether a time in the past means at once, or is error 5. Not said."""

    refused_stored: bool = False
    """Whether a message refused with error 3, 6, 7 or 8 is kept, with status 24, 23, 22 or 25. It does get an id."""

    delete_refunds: bool = True
    """Whether the money for a deleted message comes back. Not said."""

    virtual_cost: Literal["zero", "usual"] = "zero"
    """What virtual sending says that a message costs; nothing is charged in either case. Not said."""

    virtual_status: Literal[20, 1] = 20
    """The status in which a virtual message ends, with error 200. Not said."""

    captcha_use: Literal["once", "until next"] = "once"
    """Whether a code from a picture is good for one send, or until the address gets another picture. Not said."""

    picture_address: Literal["peer", "forwarded"] = "peer"
    """Whose picture it is: the address of the connection's, or the first of ``X-Forwarded-For``. For tests."""

    # Lists and files --------------------------------------------------------------------------------------------------

    list_order: Literal["ascending", "descending"] = "ascending"
    """In which order of ids tasks are listed, and so which end ``cnt`` keeps. Not said."""

    file_by: Literal["name", "file", "either"] = "either"
    """Whether ``name`` of get_file is the task's name or its file's. The text says the file "with the name name"."""

    csv_charset: Literal["windows-1251", "utf-8", "utf-8-sig", "requested"] = "windows-1251"
    """The charset of a task's file. Not said."""

    csv_delimiter: str = ";"
    """The delimiter of a task's file. Not said."""

    csv_header: bool = True
    """Whether a task's file begins with a line of column names. Not said."""

    csv_length: bool = True
    """Whether a file comes with Content-Length (else chunked). Not said."""

    # The shape of replies ---------------------------------------------------------------------------------------------

    json_numbers: Literal["documented", "quoted", "bare"] = "documented"
    """Numbers in JSON as in the vendor's samples (type bare, costs quoted), all quoted, or all bare."""

    decimals: Literal["two", "four", "trimmed"] = "two"
    """How money is written: 3.80, 3.8000 or 3.8. All three were seen in replies."""

    single_as_object: bool = False
    """A list of one item comes as that item alone. `status.php` does so; for lists it is not said."""

    omit_optional: bool = False
    """Fields that have no value, or that a client can do without, are left out. Not said."""

    empty_list: Literal["documented", "empty", "null"] = "documented"
    """An empty list: ``[]``, ``<list></list>``, no line; an empty body in every format; or ``null`` and ``<list/>``."""

    refusals_as_text: bool = False
    """Refusals come as ``ERROR = N (...)`` whatever format was asked for. Reported of parameter errors."""

    refusal_texts: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Other texts for refusals, by kind (``"duplicate"``, ``"concurrency"`` ...); not all the real ones are known."""

    extra_fields: bool = False
    """Fields that no document mentions, in JSON and XML."""

    unknown_enums: bool = False
    """Numbers for type and status that no document lists."""

    misprints: bool = False
    """JSON as misprinted in the vendor's samples: no comma before info, no quote before the first of all_phones."""

    balance_root: Literal["result", "balance"] = "result"
    """The XML element around balance and currency when ``cur=1``. That part of the page could not be seen."""

    send_line: Literal["dashes", "equals"] = "dashes"
    """Cost and balance after a send as text: ``, COST - 0.50`` as `jobs.php` has it, or ``, cost = 0.50``. Not seen."""

    refusal_ids: bool = True
    """Whether errors 3, 6, 7 and 8 of a send carry the message's id. Seen in some replies."""

    status_order: Literal["listed", "library"] = "listed"
    """The text formats with ``all``: as the page lists the fields; or as official libraries cut them, message last."""

    line_breaks: Literal["kept", "spaces", "escaped"] = "kept"
    """What becomes of a line break in a message's text where a status is a line of text. Not said."""

    hlr_order: Literal["imsi first", "imsi last"] = "imsi first"
    """Where IMSI and MSC stand among the HLR fields in the text formats. Libraries of different age differ."""

    bulk_ids: Literal["end", "start", "both"] = "end"
    """Where lines of a bulk status name the message: at the end (the phone only with ``all=0``), in front, or at the
    end and always both. Not said."""

    missing_line: Literal["short", "zeros"] = "short"
    """A message that is not found, as text: without date and error, or with zeros for them. Not seen."""

    missing_single: Literal["status", "error"] = "status"
    """A single message that is not found: status -3, or error 3 as in very old documents."""

    charset_header: Literal["honest", "upper", "absent", "lying"] = "honest"
    """What Content-Type says of the charset: the truth, the truth in capitals, nothing, or another one."""

    reply_charset: Literal["requested", "windows-1251", "utf-8", "koi8-r"] = "requested"
    """The charset replies are really in. The page on these endpoints does not list ``charset`` at all."""

    # Callbacks --------------------------------------------------------------------------------------------------------

    callback_hashed: Literal["charset", "utf-8"] = "charset"
    """Which bytes of a callback are hashed: those of its charset, or UTF-8 whatever the charset. Not said."""

    callback_crc32: Literal["unsigned", "signed", "hex"] = "unsigned"
    """How the checksum is written: 3466268287 (PHP with 64 bits), -828699009 (with 32) or ce9b0e7f. Not said."""

    callback_digest_case: Literal["lower", "upper"] = "lower"
    """Whether digests come in lower or upper case. Not said."""

    callback_charset: Literal["address", "utf-8"] = "address"
    """Whether XML and JSON are in the charset of the handler's address, or always in UTF-8. Not said."""

    callback_claims: Literal["declaration", "header", "both", "neither"] = "declaration"
    """Where XML and JSON tell their charset: in the XML declaration (JSON does not), or in Content-Type. Not said."""

    callback_root: str = "result"
    """The XML element around a callback. Not said."""

    callback_numbers: Literal["quoted", "bare"] = "quoted"
    """Whether numbers in the JSON of a callback are strings. Not said."""

    callback_json_ascii: bool = False
    """Whether other letters than Latin ones are written as ``\\u0456`` in the JSON of a callback. Not said."""

    callback_echo: Literal["all", "own"] = "all"
    """Whether charset and fmt are posted like all other parameters after ``?``, as the text has it literally."""

    callback_empty: bool = False
    """Whether fields that an event does not have are passed with no value. Not said."""

    callback_statuses: Literal["all", "final"] = "all"
    """Whether handlers are told of every change of a message's status, or not that it was handed over. Not said."""

    callback_patience: float = 30.0
    """Seconds, by the clock on the wall, within which a handler must have answered. Not said."""

    # The inbox --------------------------------------------------------------------------------------------------------

    inbox_order: Literal["descending", "ascending"] = "descending"
    """In which order of ids messages are listed, and so which end ``cnt`` keeps. Not said; clients sort."""

    inbox_hours: float = 24.0
    """The hours that are listed where ``hour`` does not say. Not said."""

    inbox_root: str = "message"
    """The XML element around a message in the inbox. Not said."""
