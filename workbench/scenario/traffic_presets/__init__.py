"""Kinds of services: what a world's traffic is where its file does not say, one file each, written as in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from workbench.scenario.traffic_presets.business_hours_saas import BUSINESS_HOURS_SAAS
from workbench.scenario.traffic_presets.consumer_media import CONSUMER_MEDIA
from workbench.scenario.traffic_presets.internal_api import INTERNAL_API

PresetName = Literal["business-hours-saas", "consumer-media", "internal-api"]

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "business-hours-saas": BUSINESS_HOURS_SAAS,
    "consumer-media": CONSUMER_MEDIA,
    "internal-api": INTERNAL_API,
}
"""Fields of `traffic` by preset."""
