"""The time zones that a page offers; whoever needs another one asks the operator."""

OFFERED = """Pacific/Honolulu America/Anchorage America/Los_Angeles America/Denver America/Chicago
America/New_York America/Halifax America/Bogota America/Sao_Paulo America/Argentina/Buenos_Aires
Atlantic/Azores Africa/Lagos Africa/Johannesburg Africa/Cairo Africa/Nairobi Europe/Lisbon Europe/London
Europe/Madrid Europe/Paris Europe/Berlin Europe/Copenhagen Europe/Athens Europe/Helsinki Europe/Istanbul
Europe/Moscow Asia/Dubai Asia/Karachi Asia/Kolkata Asia/Dhaka Asia/Bangkok Asia/Singapore Asia/Shanghai
Asia/Tokyo Asia/Seoul Australia/Perth Australia/Sydney Pacific/Auckland UTC""".split()  # noqa: SIM905


def offered(*also: str) -> list[str]:
    """The zones to choose from, the reader's and the newsletter's among them."""
    return sorted({*OFFERED, *filter(None, also)})


def city(zone: str) -> str:
    """ "Copenhagen" for Europe/Copenhagen, the zone's name where it is not called after a place."""
    area, _, place = zone.rpartition("/")
    return zone if not area or area == "Etc" else place.replace("_", " ")
