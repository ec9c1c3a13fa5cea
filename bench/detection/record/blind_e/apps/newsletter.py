"""Sends the letters of a club one after the other to the mail server, and says which were not taken."""

import logging
import random
import smtplib
import time
from email.message import EmailMessage

logging.basicConfig(format="%(levelname)s:%(asctime)s:%(name)s:%(message)s", level=logging.INFO)
log = logging.getLogger("newsletter")
PEOPLE = ("liv", "noah", "mira", "theo")


def letter(number: int, to: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Club <club@grid.example>"
    message["To"] = f"{to}@grid.example"
    message["Subject"] = f"Letter {number}: what the club does in week {number % 52 + 1}"
    message["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    message["Message-ID"] = f"<{number}.{random.getrandbits(32):x}@grid.example>"
    message.set_content("Dear member,\n\nwe meet on Thursday at the bridge. Bring a lamp.\n\nYours, the club\n" * 6)
    return message


log.info("newsletter starts, %d members", len(PEOPLE))
sent = 0
number = 0
while True:
    number += 1
    who = PEOPLE[number % len(PEOPLE)]
    try:
        with smtplib.SMTP("mail.grid.example", 25, timeout=12) as smtp:
            smtp.send_message(letter(number, who))
        sent += 1
    except (OSError, smtplib.SMTPException) as error:
        log.error("letter %d to %s was not taken: %s", number, who, error)
    if number % 10 == 0:
        log.info("%d letters sent", sent)
    time.sleep(1.4)
