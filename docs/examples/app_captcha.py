"""A form that sends a message, with a picture against robots: `uvicorn app_captcha:app`."""

from html import escape
from secrets import randbelow

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from smsc_async import Captcha, Session, errors

smsc = Session.from_env(max_wait=5)  # who visits a page does not wait for a minute

PAGE = """
<form method="post">
  <p>{said}</p>
  <p><label>Phone <input name="phone" value="{phone}" required></label></p>
  <p><img src="{picture}" width="50" height="18" alt="code"> <input name="code" size="9" required></p>
  <p><button>Send me a code</button></p>
</form>
"""


def page(said: str = "", phone: str = "") -> HTMLResponse:
    """Show the form with a new picture, which the visitor's browser fetches from the gateway."""
    return HTMLResponse(PAGE.format(said=escape(said), phone=escape(phone), picture=smsc.captcha.image_url()))


async def form(request: Request) -> HTMLResponse:
    """Show the form, or send."""
    if request.method == "GET":
        return page()
    fields = await request.form()
    phone, code = str(fields.get("phone", "")), str(fields.get("code", ""))
    address = request.client.host if request.client else ""
    text = f"Your code is {randbelow(10**6):06}"  # a new one each time: the gateway takes a message once a minute
    try:
        await smsc.messages.send(phone, text, captcha=Captcha(code=code, user_ip=address))
    except errors.WrongCaptcha:
        return page("The code is not that of the picture.", phone)
    except errors.MessageOutcomeUnknown:
        return HTMLResponse("<p>It may have been sent: please wait a minute before you try again.</p>")
    except errors.InvalidArgument as wrong:
        return page(f"Please correct: {wrong}", phone)
    except errors.SmscError:
        return page("It could not be sent; please try later.", phone)
    return HTMLResponse("<p>Sent.</p>")


app = Starlette(routes=[Route("/", form, methods=["GET", "POST"])])
