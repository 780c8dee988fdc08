"""Messages that go wrong: what is taken for identical, repeated, believed, counted, and to whom it goes."""

from __future__ import annotations

from typing import Final

from tests.proof.zoo.animals import CORE, Animal, change

__all__ = ["ANIMALS"]

_ACCOUNT: Final = "guard/_account.py"
_ANSWER: Final = "_answer.py"
_ASKING: Final = "services/_asking.py"
_CONDUCT: Final = "_conduct.py"
_MESSAGES: Final = "services/messages.py"
_ORDER: Final = "_order.py"
_POLICY: Final = "guard/_policy.py"
_RECIPIENTS: Final = "_recipients.py"
_SENDING: Final = "services/_sending.py"
_SENT: Final = "services/_sent.py"
_STATES: Final = "services/_states.py"
_TEXTS: Final = "texts.py"
_WATCH: Final = "_status_watch.py"

ANIMALS: Final = (
    # What is taken for identical ------------------------------------------------------------------------------------
    Animal(
        "the id makes another request",
        "Two messages with the same words go out in one minute, because their ids differ.",
        ("P1",),
        (change(_SENT, 'frozenset({"id", "op", "err", "imgcode", "userip"})', "frozenset()"),),
        ("tests/session/test_messages.py::test_an_id_makes_no_other_request",),
    ),
    Animal(
        "details make another request",
        "A question for the text of a message has a minute of its own beside one for its status.",
        ("P1",),
        (
            change(
                _STATES,
                """
                limits=(Limit(5),),
                replay=Replay.READ,
                """,
                """
                limits=(Limit(6),),
                replay=Replay.READ,
                """,
            ),
        ),
        ("tests/session/test_messages.py::test_one_message_is_asked_for_five_times_whatever_the_detail",),
    ),
    # What is repeated -----------------------------------------------------------------------------------------------
    Animal(
        "a lost message is repeated",
        "A message whose answer was lost is sent again, like a question.",
        ("P5", "row P1"),
        (
            change(
                _SENT,
                """
                replay=Replay.IF_NOT_DONE,
                on_duplicate=OnDuplicate.NEVER,
                """,
                """
                replay=Replay.READ,
                on_duplicate=OnDuplicate.NEVER,
                """,
            ),
        ),
        ("tests/session/test_messages.py::test_a_lost_answer_is_looked_for_through_the_session",),
    ),
    Animal(
        "a duplicate message is repeated",
        "A message that was refused as a duplicate is sent once more when the minute is over.",
        ("P5",),
        (change(_SENT, "on_duplicate=OnDuplicate.NEVER", "on_duplicate=OnDuplicate.REPEAT"),),
        ("tests/services/test_endpoints.py::test_what_pays_or_allots_is_never_repeated_blindly",),
    ),
    Animal(
        "an open id is sent anew",
        "A message whose outcome is unknown goes out a second time when it is sent with the same id.",
        ("P5", "row P11"),
        (
            change(
                _SENDING,
                """
                subject=self._id,
                deadline=self._deadline,
                """,
                """
                subject=self._id,
                force=True,
                deadline=self._deadline,
                """,
            ),
        ),
        ("tests/services/test_sending.py::test_a_message_is_sent_with_an_id",),
    ),
    # What is believed -----------------------------------------------------------------------------------------------
    Animal(
        "an unknown message is not looked for",
        "Where no answer came, the caller hears that the message may have been sent, and nobody asks.",
        ("P5",),
        (change(_SENDING, "in enumerate(_LOOKS if whom else ()):", "in enumerate(()):"),),
        ("tests/services/test_sending.py::test_a_lost_answer_is_looked_for",),
    ),
    Animal(
        "a lost message was not sent",
        "Where the gateway does not know a message whose answer was lost, the caller is told that nothing was sent.",
        ("P5",),
        (
            change(
                _SENDING,
                """
                unknown = MessageOutcomeUnknown(SEND.name, self._id, reason, order.recipients, lost_at)
                unknown.__cause__ = lost.__cause__
                raise unknown
                """,
                """
                raise errors.NotSent(SEND.name, reason)
                """,
            ),
        ),
        ("tests/services/test_sending.py::test_what_is_not_found_is_unknown",),
    ),
    Animal(
        "the first look is believed",
        "A message that the gateway does not know at once is looked for no more, although it may be on its way.",
        ("P5",),
        (change(_SENDING, "_LOOKS: Final = (0.0, 1.0, 3.0, 7.0, 15.0)", "_LOOKS: Final = (0.0,)"),),
        ("tests/services/test_sending.py::test_a_message_that_comes_late_is_found",),
    ),
    Animal(
        "looks without a bound",
        "A message is looked for as long as the limits or a slow gateway hold the looks.",
        ("P6",),
        (change(_SENDING, "deadline = min(self._deadline, began + _BOUND)", "deadline = self._deadline"),),
        ("tests/services/test_sending.py::test_the_looks_end_after_twenty_seconds",),
    ),
    Animal(
        "looks beyond the caller's patience",
        "Looking for a lost message goes on when the caller's time is up.",
        ("P6",),
        (change(_SENDING, "deadline = min(self._deadline, began + _BOUND)", "deadline = began + _BOUND"),),
        ("tests/services/test_sending.py::test_the_looks_end_with_the_callers_patience",),
    ),
    Animal(
        "a failed look says no",
        "A duplicate that could not be looked for is told as a message that was not sent.",
        ("P5",),
        (
            change(_SENDING, "looked = True", "pass"),
            change(_SENDING, "began, looked = clock.now(), False", "began, looked = clock.now(), True"),
        ),
        ("tests/services/test_sending.py::test_a_duplicate_that_cannot_be_looked_for_is_unknown",),
    ),
    Animal(
        "a duplicate was not sent",
        "A refusal as a duplicate is told at once, though it may be a duplicate of this very message.",
        ("P5",),
        (change(_SENDING, 'if error.kind != "duplicate":', "if error.kind:"),),
        ("tests/services/test_sending.py::test_a_duplicate_of_itself_was_sent",),
    ),
    Animal(
        "resolved too early",
        "A message is told as not sent while its request may still be on its way.",
        ("P5",),
        (change(_SENDING, "max(caller.lateness, _OVER)", "0.0"),),
        ("tests/services/test_sending.py::test_what_the_gateway_cannot_get_any_more_was_not_sent",),
    ),
    Animal(
        "resolved without the last look",
        "A message is told as not sent when the time is over, by what the gateway said before.",
        ("P5",),
        (
            change(
                _SENDING,
                """
                await clock.sleep_until(over)


                """,
                """
                await clock.sleep_until(over)
                return None


                """,
            ),
        ),
        ("tests/services/test_sending.py::test_what_the_gateway_cannot_get_any_more_was_not_sent",),
    ),
    Animal(
        "a guard with more patience is not asked",
        "A message is told as not sent after half a minute, where the session was told that requests may take longer.",
        ("P5",),
        (change(_SENDING, "max(caller.lateness, _OVER)", "_OVER"),),
        ("tests/services/test_sending.py::test_a_guard_that_waits_longer_is_believed",),
    ),
    Animal(
        "no answer is no",
        "A message is told as not sent where the gateway could not be asked.",
        ("P5",),
        (
            change(
                _SENDING,
                "told = await asking.several(open_, 0, every_spelling=True)\n",
                """
                try:
                    told = await asking.several(open_, 0, every_spelling=True)
                except errors.SmscError:
                    return None
                """,
            ),
        ),
        ("tests/services/test_sending.py::test_a_look_that_fails_is_told",),
    ),
    Animal(
        "resolved, and never told",
        "What was found out of a message is not noted, and its id stays refused for ever.",
        ("P5",),
        (change(_SENDING, "await caller.found(SEND, message_id)", "pass"),),
        ("tests/services/test_sending.py::test_an_error_resolves_to_what_was_sent",),
    ),
    Animal(
        "found for the wrong phone",
        "A state is taken for that of the message, whatever message its row names.",
        ("P10",),
        (
            change(
                _ASKING,
                "named.append(None if full is None else by_name.get(full) or by_name.get(_plain(*full)))",
                "named.append(None)",
            ),
            change(_ASKING, " and _may_be(row, asked[number]):", ":"),
        ),
        ("tests/services/test_following.py::test_statuses_come_in_the_order_they_were_asked_for",),
    ),
    # What is counted ------------------------------------------------------------------------------------------------
    Animal(
        "refused messages are not counted",
        "The hundredth refused message in a row goes out, and the address is blocked.",
        ("P7",),
        (change(_ANSWER, "elif endpoint.may_block:", "elif False:"),),
        ("tests/session/test_messages.py::test_before_the_hundredth_refused_message_the_session_waits",),
    ),
    Animal(
        "unknown messages are no refusals",
        "A message whose answer was lost does not count as one that may have been refused.",
        ("P7",),
        (
            change(
                _POLICY,
                """
                if ended in gateway.refused.homes:  # for as long as it may be under way, its token rests already
                    gateway.refused.homes.remove(ended)
                gateway.refuse(ended)
                """,
                "pass\n",
            ),
        ),
        (
            "tests/guard/test_policy.py::test_a_message_without_an_answer_may_be_refused_until_nobody_reads_it_any_more",
            CORE,
        ),
    ),
    Animal(
        "messages in flight are no refusals",
        "A hundred messages go out at once, although each may be refused.",
        ("P7",),
        (
            change(
                _POLICY,
                """
                if demand.may_block:
                    buckets.append(parties.gateway.refused)
                if not credential.proven:
                """,
                "if not credential.proven:\n",
            ),
        ),
        (
            "tests/guard/test_policy.py::test_messages_in_flight_could_all_be_refused",
            CORE,
        ),
    ),
    Animal(
        "refused is forgiven at once",
        "Any message that was taken ends the row, though it was sent before the refusals.",
        ("P7",),
        (change(_ACCOUNT, "home >= since and home > now", "home > now + 1e9"),),
        (
            "tests/guard/test_policy.py::test_a_message_that_was_taken_ends_the_row",
            CORE,
        ),
    ),
    Animal(
        "an unreadable answer is no refusal",
        "An answer that nobody can read does not count, though it may be a refusal.",
        ("P7",),
        (
            change(
                _POLICY,
                "if outcome is Outcome.REFUSED or outcome is Outcome.ANSWERED:",
                "if outcome is Outcome.REFUSED:",
            ),
        ),
        (
            "tests/guard/test_policy.py::test_what_counts_as_a_refused_message",
            CORE,
        ),
    ),
    Animal(
        "a price ends the row",
        "A price that was told ends a row of refused messages, although nothing was sent.",
        ("P7",),
        (
            change(
                _POLICY,
                "elif outcome is _ACCEPTED and gateway.refused.homes:",
                "elif outcome in {_ACCEPTED, _PRICED} and gateway.refused.homes:",
            ),
        ),
        ("tests/guard/test_policy.py::test_a_price_ends_no_row", CORE),
    ),
    Animal(
        "a message of 160 letters of any kind",
        "A text that is not in the 7-bit alphabet is counted by 160 characters a part.",
        ("P10",),
        (change(_TEXTS, "Encoding.UCS2: (70, 67)", "Encoding.UCS2: (160, 153)"),),
        ("tests/messages/test_texts.py::test_parts_are_counted_by_the_standard",),
    ),
    Animal(
        "parts without a header",
        "Each part of a long text is counted as if it had all of its 160 or 70 places for itself.",
        ("P10",),
        (change(_TEXTS, "(160, 153), Encoding.UCS2: (70, 67)", "(160, 160), Encoding.UCS2: (70, 70)"),),
        ("tests/messages/test_texts.py::test_parts_are_counted_by_the_standard",),
    ),
    Animal(
        "the extension is free",
        "Braces and the sign of the euro are counted as one place.",
        ("P10",),
        (change(_TEXTS, "sizes[codec.decode(octets)[0]] = len(octets)", "sizes[codec.decode(octets)[0]] = 1"),),
        ("tests/messages/test_texts.py::test_a_character_of_the_extension_takes_two_places",),
    ),
    Animal(
        "characters are cut in two",
        "An emoji that does not fit any more is counted as half in this part, half in the next.",
        ("P10",),
        (
            change(
                _TEXTS,
                """
                count, left = 1, each
                for size in sizes:
                    if size > left:  # no character is cut in two
                        count, left = count + 1, each
                    left -= size
                """,
                """
                count = -(-units // each)
                left = count * each - units
                """,
            ),
        ),
        ("tests/messages/test_texts.py::test_parts_are_counted_by_the_standard",),
    ),
    Animal(
        "the cost of a part for all",
        "A message that took several requests costs what the last of them did.",
        ("P10",),
        (change(_SENT, "sum(costs, Decimal(0)) if", "costs[-1] if"),),
        ("tests/services/test_sending.py::test_a_large_list_takes_several_requests",),
    ),
    Animal(
        "an unknown cost is nothing",
        "A request whose cost is not known is left out of the sum, which then looks like all.",
        ("P10",),
        (
            change(
                _SENT,
                "cost=sum(costs, Decimal(0)) if len(costs) == len(several) else None",
                "cost=sum(costs, Decimal(0))",
            ),
        ),
        ("tests/services/test_message_replies.py::test_portions_are_summed_only_where_all_are_known",),
    ),
    Animal(
        "the cost for the balance",
        "What is little is looked for in what the message has cost.",
        ("P10",),
        (
            change(
                _SENDING,
                "caller.tell_balance(endpoint, taken.balance, taken.cost)",
                "caller.tell_balance(endpoint, taken.cost, taken.balance)",
            ),
        ),
        ("tests/services/test_sending.py::test_a_message_is_sent_with_an_id",),
    ),
    # To whom and what -----------------------------------------------------------------------------------------------
    Animal(
        "equal phones get it twice",
        "A phone that stands in the list twice, in two spellings, gets and pays the message twice.",
        ("P5",),
        (
            change(
                _RECIPIENTS,
                "found.setdefault(recipient.casefold() if nick else recipient, recipient)",
                "found[str(len(found))] = recipient",
            ),
        ),
        (
            "tests/messages/test_recipients.py::test_equal_recipients_are_one",
            "tests/messages/test_order.py::test_equal_phones_are_cut_away_before_the_portions",
        ),
    ),
    Animal(
        "phones without a plus",
        "The gateway is left to guess the country of a number.",
        ("P10",),
        (change(_RECIPIENTS, 'return f"+{recipient}" if recipient.isdigit() else recipient', "return recipient"),),
        (
            "tests/messages/test_recipients.py::test_only_a_phone_gets_a_plus",
            "tests/services/test_sending.py::test_a_message_is_sent_with_an_id",
        ),
    ),
    Animal(
        "an id for each request",
        "The later requests of a large message have an id that nobody is told.",
        ("P5",),
        (
            change(
                _SENDING,
                "{**order.form(), **self._params}",
                '{**order.form(), **self._params, "id": f"{self._id}.{len(order.recipients)}"}',
            ),
            change(
                _SENDING,
                "self._id if _means(taken.id, self._id) else taken.id",
                "taken.id",
            ),
        ),
        ("tests/services/test_sending.py::test_a_large_list_takes_several_requests",),
    ),
    Animal(
        "what failed is unsent",
        "Where a later request of a large message was lost, its recipients are told as not sent.",
        ("P5",),
        (
            change(
                _SENDING,
                "unknown = left[0].recipients if isinstance(error, errors.OutcomeUnknown) else ()",
                "unknown = ()",
            ),
        ),
        ("tests/services/test_sending.py::test_a_failure_says_what_was_sent_and_what_not",),
    ),
    Animal(
        "a word of the gateway's in a text",
        "A text that begins with one of the gateway's marks goes out as another kind of message.",
        ("P10",),
        (change(_TEXTS, "if found := _PREFIX.match(plain.lstrip()):", "if found := _PREFIX.match(plain):"),),
        ("tests/messages/test_texts.py::test_a_prefix_that_makes_another_kind_is_refused",),
    ),
    Animal(
        "half a text",
        "What follows a line of waves is a comment to the gateway, and the subscriber does not get it.",
        ("P10",),
        (
            change(
                _TEXTS,
                """
                    raise InvalidArgument(name, what)
                if _SEPARATOR.search(plain):
                """,
                """
                    raise InvalidArgument(name, what)
                if False:
                """,
            ),
        ),
        ("tests/messages/test_texts.py::test_a_line_that_begins_a_comment_is_refused",),
    ),
    Animal(
        "a line break splits a list",
        "A text of several lines, where each recipient has a text, becomes recipients of its own.",
        ("P10",),
        (change(_ORDER, 'text.replace("\\n", _BREAK) for text in self.texts', "text for text in self.texts"),),
        (
            "tests/messages/test_order.py::test_texts_of_their_own_are_lines_of_a_list",
            "tests/messages/test_order.py::test_a_list_is_read_back_as_it_was_meant",
        ),
    ),
    # What becomes of it ---------------------------------------------------------------------------------------------
    Animal(
        "an overtaken state is believed",
        "A delivered message is on its way again, because an older answer came later.",
        ("P9",),
        (change(_WATCH, "state.status.progress < known.status.progress", "False"),),
        ("tests/services/test_following.py::test_a_state_that_is_older_than_what_is_known_changes_nothing",),
    ),
    Animal(
        "not found once is final",
        "A message that the gateway does not know yet is waited for no more.",
        ("P9",),
        (change(_WATCH, "_NOT_FOUND: Final = 3", "_NOT_FOUND: Final = 1"),),
        ("tests/services/test_following.py::test_a_message_that_nobody_knows_is_not_waited_for_all_day",),
    ),
    Animal(
        "each who waits asks",
        "Those who wait for messages ask for them by themselves, and wait for each other's minutes.",
        ("P3",),
        (change(_WATCH, "if self._turn.is_of(following):", "if True:"),),
        ("tests/services/test_following.py::test_all_who_wait_share_the_requests",),
    ),
    Animal(
        "digits in an id",
        "An id that is made up has digits, which logs take for a phone and mask.",
        ("P8",),
        (change(_MESSAGES, "_LETTERS: Final = string.ascii_lowercase", "_LETTERS: Final = string.digits"),),
        ("tests/services/test_sending.py::test_ids_are_made_up_such_that_logs_show_them",),
    ),
)
