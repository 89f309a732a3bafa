"""What Sloth writes beside the numbers: names, labels and annotations of its page and its ticket alert."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from workbench.scenario.schema.base import Document, Text
from workbench.scenario.schema.naming import Labels

SlothName = Annotated[str, Field(max_length=128, pattern=r"^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]


class SlothAlert(Document):
    """One of Sloth's two alerts. Whether there is one, the objective's `alerts` say: `page-quick`, `page-slow`, ..."""

    labels: Labels = {}
    """Sloth's own `sloth_severity` among them if another value shall stand there."""
    annotations: Labels = {}
    """Over those of the objective, and over Sloth's `summary` and `title`."""


class SlothWords(Document):
    """What Sloth's rules for one objective are called and carry."""

    name: SlothName = ""
    """Sloth's name of the objective; left out, the policy's."""
    alert: Text = ""
    """Name of both alerts; exports make one of the objective's name if it is left out."""
    labels: Labels = {}
    """Of everything that is recorded, over the objective's labels: those that a policy's own rules set themselves: `severity`."""
    page: SlothAlert = SlothAlert()
    ticket: SlothAlert = SlothAlert()
