"""The gateway's statuses and delivery errors in words: English, then Ukrainian."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["DELIVERY_ERRORS", "MESSAGE_STATUSES"]

#: Source: https://smsc.ua/api/http/status_messages/statuses/
MESSAGE_STATUSES: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        -3: ("not found: no message has this id and phone", "не знайдено: немає повідомлення з таким id і номером"),
        -2: ("stopped before it was handed to the operator", "зупинено до передачі оператору"),
        -1: ("waiting to be sent", "очікує відправлення"),
        0: ("handed to the operator", "передано оператору"),
        1: ("delivered", "доставлено"),
        2: ("read", "прочитано"),
        3: ("expired: the phone could not be reached in time", "прострочено: абонент був недоступний"),
        4: ("the short link in it was clicked", "перейшли за коротким посиланням"),
        6: ("marked as spam", "позначено як спам"),
        20: ("cannot be delivered", "неможливо доставити"),
        22: ("wrong number", "невірний номер"),
        23: ("forbidden", "заборонено"),
        24: ("the balance did not cover it", "недостатньо коштів"),
        25: ("the number cannot be reached by any operator", "недоступний номер"),
    }
)

#: Source: https://smscentre.com/api/smpp/errors/ and https://smsc.ua/api/http/status_messages/errors/
DELIVERY_ERRORS: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        0: ("no error", "немає помилки"),
        1: ("there is no such subscriber", "абонент не існує"),
        6: ("the subscriber is not in the network", "абонент не в мережі"),
        11: ("the subscriber has no such service", "немає послуги"),
        12: ("an error of the phone or its SIM card", "помилка в телефоні або SIM-картці абонента"),
        13: ("the subscriber is blocked", "абонент заблокований"),
        21: ("the phone does not support the service", "послуга не підтримується"),
        200: ("a virtual message: nothing was really sent", "віртуальна відправка"),
        219: ("the SIM card was replaced", "заміна SIM-картки"),
        220: ("the operator's queue is full", "переповнена черга в оператора"),
        237: ("the subscriber does not answer", "абонент не відповідає"),
        238: ("there is no template for the text", "немає шаблону"),
        239: ("the IP address is not allowed", "заборонена IP-адреса"),
        240: ("the line is busy", "абонент зайнятий"),
        241: ("the sound could not be converted", "помилка конвертації звуку"),
        242: ("an answering machine answered", "зафіксовано автовідповідач"),
        243: ("there is no contract", "не укладено договір"),
        244: ("mass messages are not allowed", "розсилки заборонені"),
        245: ("no status came within a day", "статус не отримано"),
        246: ("not allowed at this time", "обмеження за часом"),
        247: ("the daily limit is reached", "перевищено ліміт повідомлень"),
        248: ("there is no route to the number", "немає маршруту"),
        249: ("the number has a wrong form", "невірний формат номера"),
        250: ("the account's settings do not allow the number", "номер заборонений налаштуваннями"),
        251: ("too many messages to one number", "перевищено ліміт на один номер"),
        252: ("the number is forbidden", "номер заборонений"),
        253: ("held back by the spam filter", "заборонено спам-фільтром"),
        254: ("the sender's name is not registered", "незареєстроване ім'я відправника"),
        255: ("rejected by the operator", "відхилено оператором"),
    }
)
